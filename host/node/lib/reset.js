/** Resets a socket's connection, if that can be. */
export function reset(socket) {
  // Not connected; or a Unix socket, which knows no reset; or after our end, when
  // everything was sent, and Node would leave the socket open.
  if (socket.remoteAddress === undefined || socket.writableEnded) {
    socket.destroy();
  } else {
    socket.resetAndDestroy();
  }
}
