/* Files in a memory file system: create, write, read, rename, look up, list, remove. */
#include "bench.h"
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES = 20 };

static uint32_t write_and_read(const char *name, unsigned round)
{
    char bytes[1000];
    uint32_t sum = 0;
    int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
    bench_require(fd >= 0, name);
    memset(bytes, (int)(round & 255), sizeof bytes);
    for (int i = 0; i < 9; i++)
        bench_require(write(fd, bytes, sizeof bytes) == sizeof bytes, "write");
    bench_require(lseek(fd, 100, SEEK_SET) == 100, "lseek");
    for (ssize_t got; (got = read(fd, bytes, 700)) > 0;)
        sum = bench_mix(sum, (uint32_t)got + (uint32_t)bytes[got / 2]);
    close(fd);
    return sum;
}

static uint32_t list_folder(void)
{
    uint32_t sum = 0;
    DIR *folder = opendir(".");
    bench_require(folder != NULL, "opendir");
    for (struct dirent *entry; (entry = readdir(folder));) {
        struct stat info;
        bench_require(!stat(entry->d_name, &info), "stat");
        if (S_ISREG(info.st_mode))
            sum += (uint32_t)info.st_size + strlen(entry->d_name);
    }
    closedir(folder);
    return sum;
}

int main(int argc, char **argv)
{
    uint32_t sum = 0;
    bench_require(!mkdir("/tmp/files", 0700) && !chdir("/tmp/files"), "/tmp/files");
    for (unsigned round = bench_work(argc, argv); round; round--) {
        char name[32], other[32];
        for (unsigned i = 0; i < FILES; i++) {
            snprintf(name, sizeof name, "file-%u", i);
            snprintf(other, sizeof other, "renamed-%u", i);
            sum = bench_mix(sum, write_and_read(name, round + i));
            bench_require(!rename(name, other), "rename");
            sum += (uint32_t)access(name, F_OK);
        }
        sum = bench_mix(sum, list_folder());
        for (unsigned i = 0; i < FILES; i++) {
            snprintf(other, sizeof other, "renamed-%u", i);
            bench_require(!unlink(other), "unlink");
        }
    }
    bench_require(!chdir("/") && !rmdir("/tmp/files"), "rmdir");
    return bench_result(sum);
}
