/*
 * echo TYPE ADDRESS: libzmq's own echo loop, a REP or a ROUTER. For either it is the same: what came goes back, frame by
 * frame, a ROUTER's envelope too.
 */
#include <stdio.h>
#include <string.h>
#include <zmq.h>

static int failed(const char *what) {
  fprintf(stderr, "%s: %s\n", what, zmq_strerror(zmq_errno()));
  return 1;
}

int main(int argc, char *argv[]) {
  if (argc != 3) return 2;
  void *socket = zmq_socket(zmq_ctx_new(), strcmp(argv[1], "router") == 0 ? ZMQ_ROUTER : ZMQ_REP);
  if (zmq_bind(socket, argv[2]) != 0) return failed("bind");
  for (;;) {
    zmq_msg_t frame;
    zmq_msg_init(&frame);
    if (zmq_msg_recv(&frame, socket, 0) < 0) return failed("receive");
    /* Takes the frame, which then need not be closed. */
    if (zmq_msg_send(&frame, socket, zmq_msg_more(&frame) ? ZMQ_SNDMORE : 0) < 0) return failed("send");
  }
}
