//! spiped and spipe as one program for WASI 0.2: the shell around the protocol,
//! which is composed with the portable component.

#![no_std]
