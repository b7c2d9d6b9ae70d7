#include "cpu/names.h"

#include <stddef.h>

const char *const cpu_gpr_names[8] = {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"};
const char *const cpu_segment_names[SEG_COUNT] = {"es", "cs", "ss", "ds", "fs", "gs"};

const struct bit_name cpu_eflags_names[] = {
    {FLAG_CF,   "CF"  },
    {FLAG_PF,   "PF"  },
    {FLAG_AF,   "AF"  },
    {FLAG_ZF,   "ZF"  },
    {FLAG_SF,   "SF"  },
    {FLAG_TF,   "TF"  },
    {FLAG_IF,   "IF"  },
    {FLAG_DF,   "DF"  },
    {FLAG_OF,   "OF"  },
    {FLAG_IOPL, "IOPL"},
    {FLAG_NT,   "NT"  },
    {FLAG_RF,   "RF"  },
    {FLAG_VM,   "VM"  },
    {FLAG_AC,   "AC"  },
    {FLAG_VIF,  "VIF" },
    {FLAG_VIP,  "VIP" },
    {FLAG_ID,   "ID"  },
    {0,         NULL  },
};
