/* Stand between a process and its disk: write down, refuse or cut off what it writes.
 *
 * Loaded with LD_PRELOAD into a process of the tests. Only files below DISK_SHIM_BELOW count.
 *   DISK_SHIM_LOG=FILE    append every write, truncation, removal and sync, in order (see disk_log.py)
 *   DISK_SHIM_DIE=N       die by SIGKILL before the N-th write (from 1)
 *   DISK_SHIM_TEAR=N      carry out half of the N-th write, then die by SIGKILL
 *   DISK_SHIM_FAIL=OP:N   the N-th OP (write or sync) and all later ones fail ...
 *   DISK_SHIM_ERRNO=E     ... with this error
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static const char *below;
static int log_fd = -1;
static long die_at, tear_at, fail_write, fail_sync;
static int failure = EIO;
static long writes, syncs;

typedef ssize_t (*pwrite_t)(int, const void *, size_t, off64_t);
typedef ssize_t (*write_t)(int, const void *, size_t);
typedef int (*fd_t)(int);
typedef int (*truncate_t)(int, off64_t);

static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

static long number(const char *name) {
  const char *text = getenv(name);
  return text ? atol(text) : 0;
}

__attribute__((constructor)) static void begin(void) {
  below = getenv("DISK_SHIM_BELOW");
  die_at = number("DISK_SHIM_DIE");
  tear_at = number("DISK_SHIM_TEAR");
  if (number("DISK_SHIM_ERRNO")) failure = (int)number("DISK_SHIM_ERRNO");
  const char *fail = getenv("DISK_SHIM_FAIL");
  if (fail && !strncmp(fail, "write:", 6)) fail_write = atol(fail + 6);
  if (fail && !strncmp(fail, "sync:", 5)) fail_sync = atol(fail + 5);
  const char *log = getenv("DISK_SHIM_LOG");
  if (log) log_fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

/* Return whether a descriptor is a file that counts, and its path.
 * Shared memory of SQLite does not: it is rebuilt after a crash. */
static int counts(int fd, char *path, size_t size) {
  char link[64];
  if (!below || fd == log_fd) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, size - 1);
  if (length <= 0) return 0;
  path[length] = 0;
  if (length > 4 && !strcmp(path + length - 4, "-shm")) return 0;
  return !strncmp(path, below, strlen(below));
}

static void note(char op, const char *path, int64_t offset, const void *data, uint64_t size) {
  if (log_fd < 0) return;
  write_t out = (write_t)real("write");
  char head[4224];
  int length = snprintf(head, sizeof head, "%c %lld %llu %s\n", op, (long long)offset,
                        (unsigned long long)size, path);
  if (out(log_fd, head, length) < 0 || (data && out(log_fd, data, size) < 0)) _exit(99);
}

/* Count a write; returns how many bytes of it may be carried out, or -1 to refuse it. */
static ssize_t allowed(size_t size) {
  writes++;
  if (die_at && writes == die_at) kill(getpid(), SIGKILL);
  if (fail_write && writes >= fail_write) {
    errno = failure;
    return -1;
  }
  return tear_at && writes == tear_at ? (ssize_t)(size / 2) : (ssize_t)size;
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset) {
  char path[4096];
  pwrite_t out = (pwrite_t)real("pwrite64");
  if (!counts(fd, path, sizeof path)) return out(fd, data, size, offset);
  ssize_t part = allowed(size);
  if (part < 0) return -1;
  ssize_t done = out(fd, data, part, offset);
  if ((size_t)part < size) kill(getpid(), SIGKILL);
  note('w', path, offset, data, size);
  return done;
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) {
  return pwrite64(fd, data, size, offset);
}

ssize_t write(int fd, const void *data, size_t size) {
  char path[4096];
  write_t out = (write_t)real("write");
  if (!counts(fd, path, sizeof path)) return out(fd, data, size);
  int64_t offset = fcntl(fd, F_GETFL) & O_APPEND ? lseek(fd, 0, SEEK_END) : lseek(fd, 0, SEEK_CUR);
  ssize_t part = allowed(size);
  if (part < 0) return -1;
  ssize_t done = out(fd, data, part);
  if ((size_t)part < size) kill(getpid(), SIGKILL);
  note('w', path, offset, data, size);
  return done;
}

int ftruncate64(int fd, off64_t size) {
  char path[4096];
  if (counts(fd, path, sizeof path)) note('t', path, size, NULL, 0);
  return ((truncate_t)real("ftruncate64"))(fd, size);
}

int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

int unlink(const char *path) {
  if (below && !strncmp(path, below, strlen(below))) note('u', path, 0, NULL, 0);
  return ((int (*)(const char *))real("unlink"))(path);
}

static int synced(int fd, const char *name) {
  char path[4096];
  if (!counts(fd, path, sizeof path)) return ((fd_t)real(name))(fd);
  if (fail_sync && ++syncs >= fail_sync) {
    errno = failure;
    return -1;
  }
  int done = ((fd_t)real(name))(fd);
  note('s', path, 0, NULL, 0);
  return done;
}

int fsync(int fd) { return synced(fd, "fsync"); }

int fdatasync(int fd) { return synced(fd, "fdatasync"); }
