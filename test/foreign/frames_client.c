/* frames_client ADDRESS: sends frames of any bytes to a raw echo, and expects each of them back. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#define MOST_FRAMES 64

struct frame {
  unsigned char *bytes;
  size_t size;
};

static struct frame random_frame(size_t size) {
  struct frame frame = {malloc(size + 1), size};
  for (size_t i = 0; i < size; i++) frame.bytes[i] = (unsigned char)(rand() >> 7);
  return frame;
}

/* 0 if the same frames came back. */
static int echo(void *socket, const char *name, const struct frame *frames, int count) {
  for (int i = 0; i < count; i++) {
    if (zmq_send(socket, frames[i].bytes, frames[i].size, i < count - 1 ? ZMQ_SNDMORE : 0) < 0) {
      fprintf(stderr, "%s: send: %s\n", name, zmq_strerror(zmq_errno()));
      return 1;
    }
  }
  int more = 1, got = 0, failed = 0;
  for (; more; got++) {
    zmq_msg_t message;
    zmq_msg_init(&message);
    if (zmq_msg_recv(&message, socket, 0) < 0) {
      fprintf(stderr, "%s: receive: %s\n", name, zmq_strerror(zmq_errno()));
      return 1;
    }
    failed |= got >= count || zmq_msg_size(&message) != frames[got].size ||
              memcmp(zmq_msg_data(&message), frames[got].bytes, frames[got].size) != 0;
    more = zmq_msg_more(&message);
    zmq_msg_close(&message);
  }
  if (failed || got != count) {
    fprintf(stderr, "%s: something else came back, in %d frames\n", name, got);
    return 1;
  }
  return 0;
}

int main(int argc, char *argv[]) {
  if (argc != 2) return 2;
  const int linger = 0, timeout = 10000;
  void *context = zmq_ctx_new();
  void *socket = zmq_socket(context, ZMQ_REQ);
  zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger);
  zmq_setsockopt(socket, ZMQ_RCVTIMEO, &timeout, sizeof timeout);
  zmq_setsockopt(socket, ZMQ_SNDTIMEO, &timeout, sizeof timeout);
  if (zmq_connect(socket, argv[1]) != 0) return 1;

  struct frame empty = random_frame(0), byte = random_frame(1), nuls = random_frame(1000);
  struct frame megabyte = random_frame(1 << 20), many[MOST_FRAMES];
  memset(nuls.bytes, 0, nuls.size);
  for (int i = 0; i < MOST_FRAMES; i++) many[i] = random_frame((size_t)i);

  int failed = echo(socket, "one empty frame", &empty, 1) || echo(socket, "one byte", &byte, 1) ||
               echo(socket, "only NULs", &nuls, 1) || echo(socket, "a megabyte", &megabyte, 1) ||
               echo(socket, "64 frames", many, MOST_FRAMES);
  zmq_close(socket);
  zmq_ctx_term(context);
  if (!failed) puts("5");
  return failed;
}
