/*
 * Spoils writes to files, for LD_PRELOAD. SHORT_WRITES holds rules, each
 *
 *     SUFFIX ACTION FIRST LAST
 *
 * separated by semicolons. ACTION is done to the FIRST to LAST write (from 1, counted over all
 * threads) to files whose path ends with SUFFIX:
 *
 *     half, one, most   only half of the bytes, one, all but one are written
 *     zero              nothing is, without an error
 *     EINTR, EIO ...    nothing is, with this error
 *     die               half is, and then the process is killed
 *     slow              all is, and each fdatasync(2) of such a file takes a minute
 *
 * For each write that was spoiled a line "SUFFIX ACTION N ASKED WRITTEN" goes to SHORT_WRITES_LOG.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define RULES 8

struct rule {
  char suffix[64], action[16];
  long first, last;
};

static struct rule rules[RULES];
static atomic_long seen[RULES];
static int count;
static int log_fd = -1;

static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off64_t);
static int (*real_fdatasync)(int);

__attribute__((constructor)) static void begin(void) {
  real_write = dlsym(RTLD_NEXT, "write");
  real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
  real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
  const char *text = getenv("SHORT_WRITES"), *log = getenv("SHORT_WRITES_LOG");
  while (text != NULL && *text != 0 && count < RULES) {
    struct rule *rule = &rules[count++];
    if (sscanf(text, "%63s %15s %ld %ld", rule->suffix, rule->action, &rule->first, &rule->last) != 4)
      abort();
    text = strchr(text, ';');
    if (text != NULL) text++;
  }
  if (log != NULL) log_fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static int ends_with(const char *path, const char *suffix) {
  size_t all = strlen(path), end = strlen(suffix);
  return all >= end && strcmp(path + all - end, suffix) == 0;
}

/* The rule that this write falls under, and the write's number; -1 when there is none. */
static int rule_of(int fd, long *number) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return -1;
  path[length] = 0;
  int found = -1;
  for (int i = 0; i < count; i++) {
    if (!ends_with(path, rules[i].suffix)) continue;
    long n = atomic_fetch_add(&seen[i], 1) + 1;
    if (found < 0 && n >= rules[i].first && n <= rules[i].last) {
      found = i;
      *number = n;
    }
  }
  return found;
}

static void tell(const struct rule *rule, long number, size_t asked, ssize_t written) {
  char line[160];
  int length = snprintf(line, sizeof line, "%s %s %ld %zu %zd\n", rule->suffix, rule->action, number,
                        asked, written);
  if (log_fd >= 0) (void)!real_write(log_fd, line, (size_t)length);
}

static int error_of(const char *name) {
  static const struct { const char *name; int code; } errors[] = {
      {"EINTR", EINTR}, {"EAGAIN", EAGAIN}, {"EIO", EIO}, {"ENOSPC", ENOSPC}, {"EDQUOT", EDQUOT}};
  for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
    if (strcmp(errors[i].name, name) == 0) return errors[i].code;
  return 0;
}

/* How much of the write is done; -1 with errno when it fails. */
static ssize_t allowed(const struct rule *rule, size_t asked) {
  errno = error_of(rule->action);
  if (errno != 0) return -1;
  if (strcmp(rule->action, "zero") == 0) return 0;
  if (strcmp(rule->action, "slow") == 0) return (ssize_t)asked;
  if (strcmp(rule->action, "one") == 0) return 1;
  if (strcmp(rule->action, "most") == 0) return (ssize_t)(asked > 1 ? asked - 1 : 1);
  return (ssize_t)((asked + 1) / 2);
}

/* `offset` is negative for write(2). */
static ssize_t spoil(int fd, const void *bytes, size_t asked, off64_t offset) {
  long number = 0;
  int at = count == 0 || asked == 0 ? -1 : rule_of(fd, &number);
  size_t length = asked;
  if (at >= 0) {
    ssize_t most = allowed(&rules[at], asked);
    int code = errno;
    if (most <= 0) {
      tell(&rules[at], number, asked, most);
      errno = code;
      return most;
    }
    length = (size_t)most;
  }
  ssize_t written =
      offset < 0 ? real_write(fd, bytes, length) : real_pwrite(fd, bytes, length, offset);
  if (at < 0) return written;
  int code = errno;
  tell(&rules[at], number, asked, written);
  if (strcmp(rules[at].action, "die") == 0) kill(getpid(), SIGKILL);
  errno = code;
  return written;
}

ssize_t write(int fd, const void *bytes, size_t length) { return spoil(fd, bytes, length, -1); }

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) {
  return spoil(fd, bytes, length, offset);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) {
  return spoil(fd, bytes, length, offset);
}

int fdatasync(int fd) {
  long number = 0;
  int at = count == 0 ? -1 : rule_of(fd, &number);
  if (at >= 0 && strcmp(rules[at].action, "slow") == 0) {
    tell(&rules[at], number, 0, 0);
    sleep(60);
  }
  return real_fdatasync(fd);
}
