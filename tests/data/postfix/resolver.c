/* Preloaded into posttls-finger: the system's resolver library asks the lab, whose port no resolv.conf can name, and passes its AD bit on. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netinet/in.h>
#include <resolv.h>
#include <stdlib.h>

int __res_ninit(res_state state)
{
    int (*original)(res_state) = (int (*)(res_state))dlsym(RTLD_NEXT, "__res_ninit");
    const char *port = getenv("LAB_RESOLVER_PORT");
    struct sockaddr_in *server = &state->nsaddr_list[0];

    if (original == NULL || port == NULL || original(state) != 0)
        return -1;
    state->nscount = 1;
    state->retrans = 2;
    state->retry = 1;
    state->options |= RES_TRUSTAD;
    server->sin_family = AF_INET;
    server->sin_port = htons((unsigned short)atoi(port));
    server->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return 0;
}
