"""Names of why a signal was sent: `si_code` as the host gives it, whatever the guest's kernel is."""

from __future__ import annotations

_OF_ANY = {
    0: "SI_USER",
    -1: "SI_QUEUE",
    -2: "SI_TIMER",
    -3: "SI_MESGQ",
    -4: "SI_ASYNCIO",
    -5: "SI_SIGIO",
    -6: "SI_TKILL",
    -60: "SI_ASYNCNL",
    0x80: "SI_KERNEL",
}
_FROM_ONE = {  # the codes 1, 2, 3 ... of one signal
    "SIGILL": "ILL_ILLOPC ILL_ILLOPN ILL_ILLADR ILL_ILLTRP ILL_PRVOPC ILL_PRVREG ILL_COPROC ILL_BADSTK",
    "SIGFPE": "FPE_INTDIV FPE_INTOVF FPE_FLTDIV FPE_FLTOVF FPE_FLTUND FPE_FLTRES FPE_FLTINV FPE_FLTSUB",
    "SIGSEGV": "SEGV_MAPERR SEGV_ACCERR SEGV_BNDERR SEGV_PKUERR",
    "SIGBUS": "BUS_ADRALN BUS_ADRERR BUS_OBJERR BUS_MCEERR_AR BUS_MCEERR_AO",
    "SIGTRAP": "TRAP_BRKPT TRAP_TRACE TRAP_BRANCH TRAP_HWBKPT",
    "SIGCHLD": "CLD_EXITED CLD_KILLED CLD_DUMPED CLD_TRAPPED CLD_STOPPED CLD_CONTINUED",
    "SIGIO": "POLL_IN POLL_OUT POLL_MSG POLL_ERR POLL_PRI POLL_HUP",
}


def name(signal: str, code: int) -> str:
    """The code's name, or its number when it has none."""
    names = _FROM_ONE.get(signal, "").split()
    if 1 <= code <= len(names):
        return names[code - 1]
    return _OF_ANY.get(code, str(code))
