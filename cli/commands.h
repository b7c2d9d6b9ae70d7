/* The program's commands. Each gets its own name as argv[0], and returns the exit status. */
#ifndef COMMANDS_H
#define COMMANDS_H

int command_run(int argc, char **argv);
int command_diverge(int argc, char **argv);
int command_replay(int argc, char **argv);
int command_ctl(int argc, char **argv);
int command_isa(int argc, char **argv);
int command_cpus(int argc, char **argv);
int command_vectors(int argc, char **argv);
int command_disasm(int argc, char **argv);
/* Machines that are kept by name. */
int command_new(int argc, char **argv);
int command_start(int argc, char **argv);
int command_stop_machine(int argc, char **argv);
int command_save(int argc, char **argv);
int command_fork_machine(int argc, char **argv);
int command_clone(int argc, char **argv);
int command_ls(int argc, char **argv);
int command_rm(int argc, char **argv);
int command_machine_log(int argc, char **argv);
/* A log of a run, or, with the name of a machine, command_machine_log. */
int command_log(int argc, char **argv);

#endif
