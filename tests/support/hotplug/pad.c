/* Keys on the virtual reader: PC/SC part 10, by the letter of 2.5.2 and 2.5.3.
 *
 * The real driver has none. Here a test is the person at the keys, at the other end of the
 * socket PAD_SOCKET; while nobody listens there, the reader has no keys. A structure that
 * is not exactly right is answered with 6B80 and reaches no card.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <ifdhandler.h>

enum { FEATURES = 0x42000000 + 3400, VERIFY = 0x42330006, MODIFY = 0x42330007,
       PROPERTIES = 0x42330012 };
enum { LEFT_TIMEOUT = 0x6400, LEFT_CANCEL = 0x6401, NOT_SAME = 0x6402, BAD_LENGTH = 0x6403,
       BAD_STRUCTURE = 0x6B80, GONE = 0, UNKNOWN = 1 };

typedef RESPONSECODE (*control)(DWORD, DWORD, PUCHAR, DWORD, PUCHAR, DWORD, LPDWORD);
typedef RESPONSECODE (*transmit)(DWORD, SCARD_IO_HEADER, PUCHAR, DWORD, PUCHAR, PDWORD,
                                 PSCARD_IO_HEADER);

struct request {
    unsigned char apdu[300];
    size_t length;
    unsigned block, old_at, new_at, shortest, longest;
    int asks_old, asks_new;
};

static unsigned number(const unsigned char *at, int bytes)
{
    return bytes ? at[0] | number(at + 1, bytes - 1) << 8 : 0;
}

static int blank(const struct request *request, unsigned at)
{
    for (unsigned i = 0; i < request->block; i++)
        if (5 + at + i >= request->length || request->apdu[5 + at + i] != 0xFF)
            return 0;
    return 1;
}

/* Whether the PINs have their places: in blanks of their own, or behind what is there. */
static int has_places(const struct request *request)
{
    unsigned body = request->length - 5;
    unsigned apart = request->new_at - request->old_at;
    if (request->length < 5 || request->apdu[4] != body)
        return 0;
    if (!request->asks_new)
        return request->block == body && blank(request, 0);
    if (!request->block)
        return request->asks_old ? !body && !request->old_at && !request->new_at
                                 : request->new_at == body;
    if (request->asks_old)
        return apart >= request->block && blank(request, request->old_at) &&
               blank(request, request->new_at) && body == 2 * request->block;
    return blank(request, request->new_at) && body == request->new_at + request->block;
}

/* What both structures have in common; `from` is where wPINMaxExtraDigit is. */
static int read_form(struct request *request, const unsigned char *s, int from, int data)
{
    request->block = s[3] & 0x0F;
    request->longest = s[from];
    request->shortest = s[from + 1];
    if (request->length > sizeof request->apdu || number(s + data - 4, 4) != request->length)
        return 0;
    memcpy(request->apdu, s + data, request->length);
    return s[0] >= 30 && s[0] <= 120 && s[1] >= 30 && s[1] <= 120 && (s[2] & 0x7F) == 0x02 &&
           s[3] <= 0x0F && s[4] == 0 && request->shortest >= 1 &&
           request->shortest <= request->longest && request->longest <= 15 &&
           !number(s + data - 7, 3) && has_places(request);
}

static int read_verify(struct request *request, const unsigned char *s, size_t length)
{
    if (length < 24)
        return 0;
    request->length = length - 19;
    request->asks_old = 1;
    return read_form(request, s, 5, 19) && s[7] == 0x02 && s[11] == 0 &&
           (s[8] <= 1 || s[8] == 0xFF);
}

static int read_modify(struct request *request, const unsigned char *s, size_t length)
{
    if (length < 29)
        return 0;
    request->length = length - 24;
    request->asks_old = s[9] >> 1;
    request->asks_new = 1;
    request->old_at = s[5];
    request->new_at = s[6];
    unsigned first = request->asks_old ? 0 : 1, messages = request->asks_old ? 3 : 2;
    return read_form(request, s, 7, 24) && (s[9] == 1 || s[9] == 3) && s[10] == 0x02 &&
           (s[11] == 0 || s[11] == messages || s[11] == 0xFF) && s[14] == first &&
           s[15] == first + 1 && s[16] == 2;
}

/* One line from the person, without its end; an empty one where they are gone. */
static void hear(FILE *person, char *line, int size)
{
    line[0] = 0;
    if (fgets(line, size, person))
        line[strcspn(line, "\n")] = 0;
}

static int typed(FILE *person, const struct request *request, char *pin)
{
    dprintf(fileno(person), "next\n");
    hear(person, pin, 32);
    if (!strcmp(pin, "cancel"))
        return LEFT_CANCEL;
    if (!strcmp(pin, "gone"))
        return GONE;
    if (!strcmp(pin, "unknown"))
        return UNKNOWN;
    if (!strcmp(pin, "refuse"))
        return BAD_STRUCTURE;
    if (!pin[0] || strspn(pin, "0123456789") != strlen(pin))
        return LEFT_TIMEOUT;
    return strlen(pin) < request->shortest || strlen(pin) > request->longest ? BAD_LENGTH : 0x9000;
}

static void put(struct request *request, unsigned at, const char *pin)
{
    if (request->block)
        memcpy(request->apdu + 5 + at, pin, strlen(pin));
    else {
        memcpy(request->apdu + request->length, pin, strlen(pin));
        request->length += strlen(pin);
        request->apdu[4] = request->length - 5;
    }
}

/* Let the person type, and put it in; 9000 where the command can be sent. */
static int complete(FILE *person, struct request *request)
{
    char old[32], new[32], again[32];
    int said = 0x9000;
    if (request->asks_old)
        said = typed(person, request, old);
    if (said == 0x9000 && request->asks_new)
        said = typed(person, request, new);
    if (said == 0x9000 && request->asks_new)
        said = typed(person, request, again);
    if (said == 0x9000 && request->asks_new && strcmp(new, again))
        said = NOT_SAME;
    if (said == 0x9000 && request->asks_old)
        put(request, request->old_at, old);
    if (said == 0x9000 && request->asks_new)
        put(request, request->new_at, new);
    return said;
}

static RESPONSECODE serve(FILE *person, struct request *request, int whole, DWORD lun,
                          PUCHAR answer, DWORD size, LPDWORD length)
{
    static const char *names[] = {"malformed", "ask"};
    dprintf(fileno(person), "%s %02x%02x%02x%02x %d %u %u\n", names[whole], request->apdu[0],
            request->apdu[1], request->apdu[2], request->apdu[3],
            request->asks_old + 2 * request->asks_new, request->shortest, request->longest);
    int said = whole ? complete(person, request) : BAD_STRUCTURE;
    if (said == GONE || said == UNKNOWN)
        return said == GONE ? IFD_COMMUNICATION_ERROR : IFD_ERROR_NOT_SUPPORTED;
    if (said == 0x9000) {
        transmit real = (transmit)dlsym(RTLD_NEXT, "IFDHTransmitToICC");
        SCARD_IO_HEADER send = {1, sizeof send}, got = {1, sizeof got};
        *length = size;
        return real(lun, send, request->apdu, request->length, answer, length, &got);
    }
    answer[0] = said >> 8;
    answer[1] = said & 0xFF;
    *length = 2;
    return IFD_SUCCESS;
}

/* Tell the person what is asked, and answer the bytes that they say in hex. */
static RESPONSECODE relay(FILE *person, const char *question, PUCHAR answer, DWORD size,
                          LPDWORD length)
{
    char line[256];
    dprintf(fileno(person), "%s\n", question);
    hear(person, line, sizeof line);
    if (!strcmp(line, "fails"))
        return IFD_COMMUNICATION_ERROR;
    *length = 0;
    for (char *at = line; at[0] && at[1] && *length < size; at += 2) {
        unsigned byte;
        sscanf(at, "%2x", &byte);
        answer[(*length)++] = byte;
    }
    return IFD_SUCCESS;
}

static FILE *call_person(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int line = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    strncpy(address.sun_path, getenv("PAD_SOCKET"), sizeof address.sun_path - 1);
    if (connect(line, (struct sockaddr *)&address, sizeof address) == 0)
        return fdopen(line, "r");
    close(line);
    return NULL;
}

RESPONSECODE IFDHControl(DWORD lun, DWORD code, PUCHAR asked, DWORD asked_length, PUCHAR answer,
                         DWORD size, LPDWORD length)
{
    control real = (control)dlsym(RTLD_NEXT, "IFDHControl");
    struct request request = {0};
    FILE *person = call_person();
    RESPONSECODE result = IFD_ERROR_NOT_SUPPORTED;
    if (!person)
        return real(lun, code, asked, asked_length, answer, size, length);
    if (code == FEATURES)
        result = relay(person, "features", answer, size, length);
    else if (code == PROPERTIES)
        result = relay(person, "properties", answer, size, length);
    else if (code == VERIFY || code == MODIFY) {
        int whole = code == VERIFY ? read_verify(&request, asked, asked_length)
                                   : read_modify(&request, asked, asked_length);
        result = serve(person, &request, whole, lun, answer, size, length);
    }
    fclose(person);
    return result;
}
