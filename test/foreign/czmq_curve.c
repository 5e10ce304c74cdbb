/*
 * CURVE as CZMQ has it.
 * czmq_curve keys FOLDER: makes the pairs `server` and `client` there, with metadata, as zcert_save writes them.
 * czmq_curve read FOLDER: prints the public and secret keys that zcert_load finds in `server` and `client` there.
 * czmq_curve ask FOLDER ADDRESS [MS]: asks as `client`, of a server known by server.key, and prints the reply.
 * czmq_curve serve FOLDER ALLOW: answers one request as `server`, from those in the folder ALLOW alone; prints its address first.
 */
#include <czmq.h>

#define TIMEOUT_MS 10000

static const char *names[] = {"server", "client"};

static zcert_t *load(const char *folder, const char *name) {
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  zcert_t *cert = zcert_load(path);
  if (cert == NULL) fprintf(stderr, "zcert_load can't read %s\n", path);
  return cert;
}

static int keys(const char *folder) {
  for (int i = 0; i < 2; i++) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s.key", folder, names[i]);
    zcert_t *cert = zcert_new();
    zcert_set_meta(cert, "name", "%s", "Ann O'Hara = #1");
    zcert_set_meta(cert, "public-key", "%s", "only metadata");
    int failed = zcert_save(cert, path);
    zcert_destroy(&cert);
    if (failed) return 1;
  }
  return 0;
}

static int read_both(const char *folder) {
  for (int i = 0; i < 2; i++) {
    char name[32];
    snprintf(name, sizeof name, "%s.key", names[i]);
    zcert_t *cert = load(folder, name);
    if (cert == NULL) return 1;
    printf("%s %s\n", zcert_public_txt(cert), zcert_secret_txt(cert));
    zcert_destroy(&cert);
  }
  return 0;
}

static int ask(const char *folder, const char *address, int timeout) {
  zcert_t *own = load(folder, "client.key");
  zcert_t *server = load(folder, "server.key");
  if (own == NULL || server == NULL) return 1;
  zsock_t *socket = zsock_new(ZMQ_REQ);
  zsock_set_linger(socket, 0);
  zsock_set_rcvtimeo(socket, timeout);
  zcert_apply(own, socket);
  zsock_set_curve_serverkey(socket, zcert_public_txt(server));
  int failed = zsock_connect(socket, "%s", address);
  if (!failed) failed = zstr_send(socket, "hello");
  char *reply = failed ? NULL : zstr_recv(socket);
  if (reply != NULL) puts(reply);
  failed = reply == NULL;
  zstr_free(&reply);
  zsock_destroy(&socket);
  zcert_destroy(&own);
  zcert_destroy(&server);
  return failed;
}

static int serve(const char *folder, const char *allow) {
  zactor_t *auth = zactor_new(zauth, NULL);
  zstr_sendx(auth, "CURVE", allow, NULL);
  zsock_wait(auth);
  zcert_t *own = load(folder, "server.key");
  if (own == NULL) return 1;
  zsock_t *socket = zsock_new(ZMQ_REP);
  zsock_set_zap_domain(socket, "test");
  zsock_set_curve_server(socket, 1);
  zcert_apply(own, socket);
  int port = zsock_bind(socket, "tcp://127.0.0.1:*");
  printf("tcp://127.0.0.1:%d\n", port);
  fflush(stdout);
  zsock_set_rcvtimeo(socket, TIMEOUT_MS);
  char *request = zstr_recv(socket);
  int failed = request == NULL;
  if (!failed) zstr_send(socket, request);
  zstr_free(&request);
  zsock_destroy(&socket);
  zcert_destroy(&own);
  zactor_destroy(&auth);
  return failed;
}

int main(int argc, char *argv[]) {
  if (argc < 3) return 2;
  zsys_init();
  zsys_handler_set(NULL);
  const char *what = argv[1], *folder = argv[2];
  if (streq(what, "keys")) return keys(folder);
  if (streq(what, "read")) return read_both(folder);
  if (argc < 4) return 2;
  if (streq(what, "ask")) return ask(folder, argv[3], argc > 4 ? atoi(argv[4]) : TIMEOUT_MS);
  if (streq(what, "serve")) return serve(folder, argv[3]);
  return 2;
}
