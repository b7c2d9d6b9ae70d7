/* `anachron run --record`, and replaying: the log of a run, on either side. */
#ifndef RUN_LOG_H
#define RUN_LOG_H

#include "machine/saved.h"
#include "record/log_file.h"

#include <jansson.h>

struct run;

struct run_log {
    /* Replaying. path NULL: nothing is. */
    const char *path;
    struct log_file file;
    json_t *head;                     /* its configuration frame */
    const char *medium[SAVED_PLACES]; /* if it begins with a saved state: what is in the drives */
    struct machine_play play;
    bool went_live;
    /* Recording. writer NULL: nobody has asked for it yet. */
    struct log_writer *writer;
    char *written;        /* its absolute path */
    char *base;           /* and that of the first log, from which branches have their names */
    json_t *written_head; /* its configuration frame */
    bool is_watched[MACHINE_FLOPPIES + MACHINE_DISKS]; /* disks behind image_preimages_new */
    /* Logs that were left for a branch: they still want to know what is overwritten. */
    struct log_writer **ended;
    unsigned ended_count;
    struct journal_stamp left; /* where the last branch began */
    bool has_written;          /* a disk directly, while nobody recorded */
    bool has_released;         /* a medium that was there at the beginning */
    unsigned media;            /* that were put into drives so far, on either side */
};

/* Places of LOG_SECTORS: floppies, IDE places, then media as they are put in. */
enum { RUN_LOG_FIRST_MEDIUM = 16 };

/* Reads the log and sets the options of the guest's machine from it. False: err says why. */
bool run_log_read(struct run *run, const char *path, struct error *err);
/* With all files open and before the machine is built: opens the log to write, checks those of the
 * log to read, and makes disks what they were. */
bool run_log_prepare(struct run *run, struct error *err);
/* machine_outside.open_image: a medium for a drive of the running machine. Of one that is written
 * directly, a log holds the contents. */
struct disk_backend *run_log_open_medium(void *opaque, const char *specification, bool is_cdrom,
                                         struct error *err);
/* The machine has been built, and its saved state loaded. */
bool run_log_start(struct run *run, struct error *err);
/* machine_outside.record: a log of the run so far, in which everything that follows will be, too;
 * or, if not all of it is known any more, a log that begins with the state of this moment. path
 * NULL: a branch of the log that has ended. False: err says why there is none. */
bool run_log_begin(void *opaque, const char *path, struct error *err);
/* machine_outside.branch */
bool run_log_branch(void *opaque, const struct machine_branch *branch, struct log_writer **writer,
                    struct error *err);
/* After a replay: what it has shown, on standard output. */
void run_log_report(struct run *run);
/* After the run: closes the log that was written. False: err says why it is not whole. */
bool run_log_close(struct run *run, struct error *err);
void run_log_free(struct run *run);
/* In a copy of the process: the log is the other one's. */
void run_log_leave(struct run *run);

/* Inside: run_log.c and run_branch.c. */
/* Opens run->log.writer; machine describes it. parent: the log that it is a branch of, taken over;
 * NULL: a run of its own. */
bool run_log_open(struct run *run, const char *path, json_t *machine, json_t *parent,
                  struct error *err);
/* The same for a run that begins with a saved state (NULL: with power-on). here: it is that of the
 * machine as it is now. */
bool run_log_open_state(struct run *run, const char *path, const struct saved *saved, bool here,
                        json_t *parent, struct error *err);
/* What a branch says of the log that it leaves at a moment. */
json_t *run_log_describe_parent(const json_t *head, const char *path,
                                const struct journal_stamp *at);
/* What a medium holds, as sectors of place. */
bool run_log_save_medium(struct run_log *log, unsigned place, struct disk_backend *disk,
                         struct error *err);

/* Its head, checked; the caller owns it. NULL: err says what is wrong with it. */
json_t *run_log_head(const struct log_file *file, const char *path, struct error *err);

#endif
