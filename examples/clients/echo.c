/*
 * Calls zmqecho from C. Needs libzmq (Debian: libzmq3-dev). Build:
 *
 *     cc -Wall -Wextra -o echo echo.c -lzmq
 *
 *     ./echo ADDRESS            an endpoint with one handler that echoes, codec raw or json
 *     ./echo ADDRESS GATEWAY    and one with `handlers` that serves echo by name
 *
 * Exits with 0 if all that came back is right.
 */
#include <stdio.h>
#include <string.h>
#include <zmq.h>

#define TIMEOUT_MS 5000
#define FRAMES 8
#define FRAME_BYTES 4096

struct reply {
  int count; /* of frames; the first FRAMES of them are kept */
  int size[FRAMES];
  char frame[FRAMES][FRAME_BYTES]; /* cut to FRAME_BYTES - 1, with a zero behind */
};

/* Sends texts as the frames of one message and receives its reply. 0 if there is one. */
static int exchange(void *context, const char *address, const char *const texts[], int count, struct reply *reply) {
  const int linger = 0, timeout = TIMEOUT_MS;
  int failed = -1, more = 1;
  size_t size = sizeof more;
  void *socket = zmq_socket(context, ZMQ_REQ);
  zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger);
  zmq_setsockopt(socket, ZMQ_RCVTIMEO, &timeout, sizeof timeout);
  reply->count = 0;
  if (zmq_connect(socket, address) != 0) goto end;
  for (int i = 0; i < count; i++)
    if (zmq_send(socket, texts[i], strlen(texts[i]), i < count - 1 ? ZMQ_SNDMORE : 0) < 0) goto end;
  while (more) {
    char frame[FRAME_BYTES];
    int got = zmq_recv(socket, frame, sizeof frame, 0);
    if (got < 0) goto end;
    if (reply->count < FRAMES) {
      int kept = got < FRAME_BYTES ? got : FRAME_BYTES - 1;
      memcpy(reply->frame[reply->count], frame, kept);
      reply->frame[reply->count][kept] = 0;
      reply->size[reply->count] = got;
    }
    reply->count++;
    zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &size);
  }
  failed = 0;
end:
  if (failed) fprintf(stderr, "%s: %s\n", address, zmq_strerror(zmq_errno()));
  zmq_close(socket);
  return failed;
}

static int same(const struct reply *reply, int index, const char *text) {
  return reply->count > index && reply->size[index] == (int)strlen(text) && strcmp(reply->frame[index], text) == 0;
}

/* An endpoint with one handler: the message is the payload. An error is one frame: ZEP1 code, message, details, a line each. */
static int plain(void *context, const char *address, const char *body) {
  struct reply reply;
  if (exchange(context, address, &body, 1, &reply) != 0) return 1;
  if (reply.count == 1 && same(&reply, 0, body)) {
    printf("plain: %s\n", body);
    return 0;
  }
  /* A strict client also checks that the code is a known one; see docs/protocol.md. */
  int is_error = reply.count == 1 && strncmp(reply.frame[0], "ZEP1 ", 5) == 0 && strchr(reply.frame[0], '\n') != NULL;
  fprintf(stderr, "%s: %s\n", is_error ? "error" : "something else came back", reply.frame[0]);
  return 1;
}

/* A call by name (ZEP/1). It should end with `status`: "ZEP1 ok", or "ZEP1 " and a code. */
static int by_name(void *context, const char *address, const char *handler, const char *body, const char *status) {
  const char *const request[] = {"ZEP1 call", handler, "json", "{\"timeout-ms\":\"5000\"}", body};
  struct reply reply;
  if (exchange(context, address, request, 5, &reply) != 0) return 1;
  /* A success: status, codec, metadata, body. An error: status, message, details. */
  int is_ok = strcmp(status, "ZEP1 ok") == 0;
  if (same(&reply, 0, status) && (is_ok ? reply.count == 4 && same(&reply, 3, body) : reply.count == 3)) {
    printf("by name: %s: %s\n", status, is_ok ? reply.frame[3] : reply.frame[1]);
    return 0;
  }
  fprintf(stderr, "%s came back, not %s\n", reply.frame[0], status);
  return 1;
}

int main(int count, char *words[]) {
  const char *body = "{\"text\":\"Hello\",\"numbers\":[1,2.5,-3]}";
  if (count != 2 && count != 3) {
    fprintf(stderr, "usage: %s ADDRESS [GATEWAY]\n", words[0]);
    return 2;
  }
  void *context = zmq_ctx_new();
  int failed = plain(context, words[1], body);
  if (count == 3) {
    failed |= by_name(context, words[2], "echo", body, "ZEP1 ok");
    failed |= by_name(context, words[2], "no-such-handler", body, "ZEP1 not_found");
  }
  zmq_ctx_term(context);
  return failed;
}
