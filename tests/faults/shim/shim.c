/* A PKCS#11 module in trouble: it passes every call on to a real one, fails where it is told to, and writes down what was really
 * signed, which no error that it then returns can hide.
 *
 * It is told nothing by its environment; everything lies in the folder that it was loaded from:
 *   real.so   the module that does the work
 *   faults    lines of four words, read at each call: operation, which time, key, what happens
 *   record    what happened, appended: "login", "open", "sign LABEL MECHANISM OCTETS"
 *
 * Operations: slots open login find signinit sign; signed: the real module has signed, and nobody was told yet. "*": any of them.
 * Which time: the nth since the file was last replaced, or "*". Key: the beginning of its label, or "*".
 * What happens: a CKR code (0x30); hang:SECONDS, kill; logout (of everybody, as when a device was without power), corrupt (the
 * last bit of a signature): the call then goes on. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <p11-kit/pkcs11.h>

enum { MOST_FAULTS = 16, MOST_SESSIONS = 256, LONGEST_LABEL = 64 };

struct signing { /* what a session was told to sign with, from C_SignInit on */
    CK_SESSION_HANDLE session;
    CK_MECHANISM_TYPE mechanism;
    char label[LONGEST_LABEL];
};

static CK_FUNCTION_LIST list;
static CK_FUNCTION_LIST_PTR real;
static char folder[4000];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of all that follows */
static struct signing signing[MOST_SESSIONS];
static int times[MOST_FAULTS];
static ino_t told_by;
static struct timespec told_at;

static const char *beside(char *path, const char *name) {
    snprintf(path, 4096, "%s/%s", folder, name);
    return path;
}

static void record(const char *line) {
    char path[4096];
    int file = open(beside(path, "record"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (file < 0 || write(file, line, strlen(line)) != (ssize_t)strlen(line))
        abort(); /* a witness that lost a line would accuse nobody */
    close(file);
}

static void forget_if_replaced(FILE *faults) {
    struct stat seen;
    fstat(fileno(faults), &seen);
    if (seen.st_ino != told_by || memcmp(&seen.st_mtim, &told_at, sizeof told_at)) {
        memset(times, 0, sizeof times);
        told_by = seen.st_ino;
        told_at = seen.st_mtim;
    }
}

/* Say what is to happen at an operation, with a key if there is one; "" is nothing. */
static void what(const char *operation, const char *label, char happens[32]) {
    char path[4096], at[32], nth[32], key[LONGEST_LABEL], said[32];
    happens[0] = 0;
    pthread_mutex_lock(&lock);
    FILE *faults = fopen(beside(path, "faults"), "re");
    if (faults) {
        forget_if_replaced(faults);
        for (int i = 0; i < MOST_FAULTS && fscanf(faults, "%31s %31s %63s %31s", at, nth, key, said) == 4; i++) {
            if (strcmp(at, "*") && strcmp(at, operation)) continue;
            if (strcmp(key, "*") && strncmp(key, label, strlen(key))) continue;
            times[i]++;
            if (!strcmp(nth, "*") || atoi(nth) == times[i]) strcpy(happens, said);
        }
        fclose(faults);
    }
    pthread_mutex_unlock(&lock);
}

/* Let happen what is to; return the error that the caller gets, or CKR_OK to go on. `last` is the last octet of a signature. */
static CK_RV fault_over(const char *operation, CK_SESSION_HANDLE session, const char *label, CK_BYTE_PTR last) {
    char happens[32];
    what(operation, label, happens);
    if (!strcmp(happens, "corrupt") && last) *last ^= 1;
    if (!strcmp(happens, "kill")) kill(getpid(), SIGKILL);
    if (!strncmp(happens, "hang:", 5)) usleep((useconds_t)(atof(happens + 5) * 1e6));
    if (!strcmp(happens, "logout")) real->C_Logout(session);
    return strncmp(happens, "0x", 2) ? CKR_OK : strtoul(happens, NULL, 16);
}

static CK_RV fault(const char *operation, CK_SESSION_HANDLE session, const char *label) {
    return fault_over(operation, session, label, NULL);
}

static struct signing *of(CK_SESSION_HANDLE session) {
    struct signing *free = NULL;
    for (int i = 0; i < MOST_SESSIONS; i++) {
        if (signing[i].session == session) return &signing[i];
        if (!free && !signing[i].session) free = &signing[i];
    }
    if (!free) abort();
    free->session = session;
    return free;
}

static CK_RV get_slots(CK_BBOOL present, CK_SLOT_ID_PTR slots, CK_ULONG_PTR count) {
    CK_RV error = fault("slots", 0, "");
    return error ? error : real->C_GetSlotList(present, slots, count);
}

static CK_RV open_session(CK_SLOT_ID slot, CK_FLAGS flags, CK_VOID_PTR data, CK_NOTIFY notify, CK_SESSION_HANDLE_PTR session) {
    CK_RV error = fault("open", 0, "");
    record("open\n");
    return error ? error : real->C_OpenSession(slot, flags, data, notify, session);
}

static CK_RV close_session(CK_SESSION_HANDLE session) {
    pthread_mutex_lock(&lock);
    of(session)->session = 0;
    pthread_mutex_unlock(&lock);
    return real->C_CloseSession(session);
}

static CK_RV login(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR_PTR pin, CK_ULONG length) {
    CK_RV error = fault("login", session, "");
    record("login\n");
    return error ? error : real->C_Login(session, user, pin, length);
}

static CK_RV find(CK_SESSION_HANDLE session, CK_ATTRIBUTE_PTR wanted, CK_ULONG count) {
    CK_RV error = fault("find", session, "");
    return error ? error : real->C_FindObjectsInit(session, wanted, count);
}

static CK_RV sign_init(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key) {
    char label[LONGEST_LABEL] = "";
    CK_ATTRIBUTE asked = {CKA_LABEL, label, sizeof label - 1};
    if (real->C_GetAttributeValue(session, key, &asked, 1) != CKR_OK) strcpy(label, "?");
    CK_RV error = fault("signinit", session, label);
    if (error) return error;
    pthread_mutex_lock(&lock);
    struct signing *begun = of(session);
    begun->mechanism = mechanism->mechanism;
    strcpy(begun->label, label);
    pthread_mutex_unlock(&lock);
    return real->C_SignInit(session, mechanism, key);
}

static void was_signed(const struct signing *begun, const CK_BYTE *data, CK_ULONG length) {
    char *line = malloc(length * 2 + LONGEST_LABEL + 64);
    int end = sprintf(line, "sign %s %lx ", begun->label, begun->mechanism);
    for (CK_ULONG i = 0; i < length; i++) end += sprintf(line + end, "%02x", data[i]);
    strcpy(line + end, "\n");
    record(line);
    free(line);
}

static CK_RV sign(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG length, CK_BYTE_PTR out, CK_ULONG_PTR out_length) {
    if (!out) return real->C_Sign(session, data, length, out, out_length); /* it asks how long */
    pthread_mutex_lock(&lock);
    struct signing begun = *of(session);
    pthread_mutex_unlock(&lock);
    CK_RV error = fault("sign", session, begun.label);
    if (error) return error; /* as with a real device, the operation stays active */
    error = real->C_Sign(session, data, length, out, out_length);
    if (error) return error;
    was_signed(&begun, data, length);
    return fault_over("signed", session, begun.label, out + *out_length - 1);
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR out) {
    if (!real) {
        Dl_info here;
        char path[4096];
        dladdr((void *)C_GetFunctionList, &here);
        snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(here.dli_fname, '/') - here.dli_fname), here.dli_fname);
        void *module = dlopen(beside(path, "real.so"), RTLD_NOW | RTLD_LOCAL);
        CK_RV (*get)(CK_FUNCTION_LIST_PTR_PTR) = module ? dlsym(module, "C_GetFunctionList") : NULL;
        if (!get || get(&real) != CKR_OK) return CKR_GENERAL_ERROR;
        list = *real;
        list.C_GetSlotList = get_slots;
        list.C_OpenSession = open_session;
        list.C_CloseSession = close_session;
        list.C_Login = login;
        list.C_FindObjectsInit = find;
        list.C_SignInit = sign_init;
        list.C_Sign = sign;
    }
    *out = &list;
    return CKR_OK;
}
