/* The BIOS data area at 40:0 and the extended one at the top of conventional memory, with the
 * meanings of the IBM PC/AT and PS/2 technical references. */
#ifndef BIOS_BDA_H
#define BIOS_BDA_H

#include "bios/bios.h"

struct bda {
    u16 com[4];               /* 00 */
    u16 lpt[3];               /* 08 */
    u16 ebda;                 /* 0E */
    u16 equipment;            /* 10 */
    u8 post_flag;             /* 12 */
    u16 memory_kb;            /* 13 */
    u16 reserved_15;          /* 15 */
    u8 key_flags;             /* 17 */
    u8 key_flags2;            /* 18 */
    u8 keypad;                /* 19 */
    u16 key_head;             /* 1A */
    u16 key_tail;             /* 1C */
    u16 key_buffer[16];       /* 1E */
    u8 floppy_recalibrated;   /* 3E: bit a drive; bit 7: an interrupt came */
    u8 floppy_motor;          /* 3F: bit a drive; bits 5-4: selected; bit 7: writing */
    u8 floppy_motor_timeout;  /* 40 */
    u8 floppy_status;         /* 41 */
    u8 floppy_result[7];      /* 42 */
    u8 video_mode;            /* 49 */
    u16 video_columns;        /* 4A */
    u16 video_page_size;      /* 4C */
    u16 video_page_start;     /* 4E */
    u16 cursor_position[8];   /* 50 */
    u16 cursor_shape;         /* 60 */
    u8 video_page;            /* 62 */
    u16 crtc_port;            /* 63 */
    u8 crt_mode_register;     /* 65 */
    u8 crt_palette;           /* 66 */
    u32 reset_vector;         /* 67: where to go on after shutdown codes 5, 9, A, B, C */
    u8 last_interrupt;        /* 6B */
    u32 ticks;                /* 6C */
    u8 midnight;              /* 70 */
    u8 break_flag;            /* 71 */
    u16 soft_reset;           /* 72 */
    u8 disk_status;           /* 74 */
    u8 disk_count;            /* 75 */
    u8 disk_control;          /* 76 */
    u8 disk_port;             /* 77 */
    u8 lpt_timeout[4];        /* 78 */
    u8 com_timeout[4];        /* 7C */
    u16 key_buffer_start;     /* 80 */
    u16 key_buffer_end;       /* 82 */
    u8 video_rows;            /* 84: last row */
    u16 char_height;          /* 85 */
    u8 video_control;         /* 87 */
    u8 video_switches;        /* 88 */
    u8 video_flags;           /* 89 */
    u8 video_dcc;             /* 8A */
    u8 floppy_media_control;  /* 8B: the last data rate */
    u8 disk_task_status;      /* 8C */
    u8 disk_error;            /* 8D */
    u8 disk_interrupt;        /* 8E */
    u8 floppy_controllers;    /* 8F */
    u8 floppy_media[2];       /* 90 */
    u8 floppy_media_start[2]; /* 92 */
    u8 floppy_track[2];       /* 94 */
    u8 key_flags3;            /* 96 */
    u8 key_leds;              /* 97 */
    u32 wait_pointer;         /* 98 */
    u32 wait_count;           /* 9C */
    u8 wait_flag;             /* A0 */
    u8 network[7];            /* A1 */
    u32 video_save_pointer;   /* A8 */
    u8 reserved_ac[0x54];     /* AC */
    u8 print_screen;          /* 100 */
} __attribute__((packed));

/* The FS register holds the segment while a service runs. */
#define BDA ((volatile __seg_fs struct bda *)0)

struct ebda {
    u8 size_kb;
    u8 reserved_01[0x21];
    u32 mouse_handler;    /* 22 */
    u8 mouse_flags;       /* 26: 2-0 index of the next byte, 6 ack, 7 error */
    u8 mouse_flags2;      /* 27: 2-0 package size less one, 7 handler installed */
    u8 mouse_data[8];     /* 28 */
    u8 reserved_30[13];   /* 30 */
    u8 disk_table[2][16]; /* 3D: fixed disk parameter tables, INT 41h and 46h */
} __attribute__((packed));

#define EBDA ((volatile __seg_gs struct ebda *)0)

#endif
