/* The other side of benchmarks/modbus_polls.py, by libmodbus: a server, and a client that polls back to back.

   modbus_peer serve-tcp               prints its port, then serves one client after another
   modbus_peer serve-rtu PATH          opens a serial port, prints its path, and serves unit 1 on it
   modbus_peer poll-tcp PORT SECONDS   prints polls and seconds
   modbus_peer poll-rtu PATH SECONDS
*/
#define _POSIX_C_SOURCE 200809L
#include <arpa/inet.h>
#include <errno.h>
#include <modbus/modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define REGISTERS 10
#define BAUDRATE 115200

static double now(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec + at.tv_nsec / 1e9;
}

static int fail(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, modbus_strerror(errno));
    return 1;
}

static void serve(modbus_t *context)
{
    uint8_t request[MODBUS_MAX_ADU_LENGTH];
    modbus_mapping_t *registers = modbus_mapping_new(0, 0, REGISTERS, 0);
    for (int i = 0; i < REGISTERS; i++)
        registers->tab_registers[i] = 1000 + i;
    for (;;) {
        int length = modbus_receive(context, request);
        if (length < 0)
            break;
        if (length > 0)
            modbus_reply(context, request, length, registers);
    }
    modbus_mapping_free(registers);
}

static int serve_tcp(void)
{
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    modbus_t *context = modbus_new_tcp("127.0.0.1", 0);
    int listener = modbus_tcp_listen(context, 1);
    if (listener < 0 || getsockname(listener, (struct sockaddr *)&address, &size) < 0)
        return fail("cannot listen");
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    while (modbus_tcp_accept(context, &listener) >= 0) {
        serve(context);
        modbus_close(context);
    }
    return fail("cannot accept");
}

static int serve_rtu(const char *path)
{
    modbus_t *context = modbus_new_rtu(path, BAUDRATE, 'N', 8, 1);
    modbus_set_slave(context, 1);
    if (modbus_connect(context) < 0)
        return fail("cannot open");
    puts(path);
    fflush(stdout);
    for (;;)
        serve(context);
}

static int poll(modbus_t *context, double seconds)
{
    uint16_t registers[REGISTERS];
    long polls = 0;
    modbus_set_slave(context, 1);
    if (modbus_connect(context) < 0)
        return fail("cannot connect");
    double begun = now(), end = begun + seconds;
    do {
        if (modbus_read_registers(context, 0, REGISTERS, registers) != REGISTERS)
            return fail("a poll failed");
        polls++;
    } while (now() < end);
    printf("%ld %f\n", polls, now() - begun);
    modbus_close(context);
    return 0;
}

int main(int count, char **words)
{
    const char *what = count > 1 ? words[1] : "";
    if (!strcmp(what, "serve-tcp"))
        return serve_tcp();
    if (count == 3 && !strcmp(what, "serve-rtu"))
        return serve_rtu(words[2]);
    if (count == 4 && !strcmp(what, "poll-tcp"))
        return poll(modbus_new_tcp("127.0.0.1", atoi(words[2])), atof(words[3]));
    if (count == 4 && !strcmp(what, "poll-rtu"))
        return poll(modbus_new_rtu(words[2], BAUDRATE, 'N', 8, 1), atof(words[3]));
    fprintf(stderr, "serve-tcp, serve-rtu PATH, poll-tcp PORT SECONDS or poll-rtu PATH SECONDS\n");
    return 2;
}
