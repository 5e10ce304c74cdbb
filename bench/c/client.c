/*
 * client ADDRESS IN_FLIGHT BYTES: says which libzmq it has when the server has echoed once. Then it reads how many
 * requests to send, line by line, and says how many nanoseconds they took until the last reply. With one in flight it
 * is a REQ, with more a DEALER with REQ's envelope. Every reply is looked at.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zmq.h>

static void *socket_;
static int is_dealer;
static size_t size;
static char *body;

static void fail(const char *what) {
  fprintf(stderr, "%s: %s\n", what, zmq_strerror(zmq_errno()));
  exit(1);
}

static void request(void) {
  if (is_dealer && zmq_send(socket_, "", 0, ZMQ_SNDMORE) < 0) fail("send");
  if (zmq_send(socket_, body, size, 0) < 0) fail("send");
}

static void reply(void) {
  zmq_msg_t frame;
  zmq_msg_init(&frame);
  if (zmq_msg_recv(&frame, socket_, 0) < 0) fail("receive");
  if (is_dealer) {
    if (zmq_msg_size(&frame) != 0 || !zmq_msg_more(&frame)) {
      fputs("a reply without its envelope\n", stderr);
      exit(1);
    }
    if (zmq_msg_recv(&frame, socket_, 0) < 0) fail("receive");
  }
  if (zmq_msg_more(&frame) || zmq_msg_size(&frame) != size || memcmp(zmq_msg_data(&frame), body, size) != 0) {
    fputs("not an echo\n", stderr);
    exit(1);
  }
  zmq_msg_close(&frame);
}

static long long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

int main(int argc, char *argv[]) {
  if (argc != 4) return 2;
  const int linger = 0, timeout_ms = 20000;
  const long in_flight = atol(argv[2]);
  size = (size_t)atol(argv[3]);
  body = malloc(size + 1);
  memset(body, 'x', size);

  is_dealer = in_flight > 1;
  socket_ = zmq_socket(zmq_ctx_new(), is_dealer ? ZMQ_DEALER : ZMQ_REQ);
  zmq_setsockopt(socket_, ZMQ_LINGER, &linger, sizeof linger);
  zmq_setsockopt(socket_, ZMQ_RCVTIMEO, &timeout_ms, sizeof timeout_ms);
  zmq_setsockopt(socket_, ZMQ_SNDTIMEO, &timeout_ms, sizeof timeout_ms);
  if (zmq_connect(socket_, argv[1]) != 0) fail("connect");
  request();
  reply();

  int major, minor, patch;
  zmq_version(&major, &minor, &patch);
  printf("%d.%d.%d\n", major, minor, patch);
  fflush(stdout);

  long requests;
  while (scanf("%ld", &requests) == 1) {
    const long long from = now();
    long sent = 0;
    for (; sent < in_flight && sent < requests; sent++) request();
    for (long answered = 0; answered < requests; answered++) {
      reply();
      if (sent < requests) {
        request();
        sent++;
      }
    }
    printf("%lld\n", now() - from);
    fflush(stdout);
  }
  return 0;
}
