/** Resets a socket's connection, if it has one that can be. */
export function reset(socket) {
  // Not connected, or a Unix socket, which knows no reset.
  if (socket.remoteAddress === undefined) {
    socket.destroy();
  } else {
    socket.resetAndDestroy();
  }
}
