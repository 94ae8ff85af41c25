"""What `guise --help` and `guise COMMAND --help` print: examples first, then every option."""

from __future__ import annotations

import sys

GENERAL = """\
Guise runs programs built for another kernel on this one, natively.

  guise run ./program-for-freebsd --its-own --options    run it, as if it were a program of this system
  guise inspect ./program                                what is it, and will it run?
  guise doctor                                           what this machine offers, and what is missing
  guise calls freebsd                                    which of FreeBSD's system calls are served
  sudo guise binfmt install                              afterwards ./program-for-freebsd just runs

`guise COMMAND --help` explains each of them:
  run         start a program
  trace       show the system calls that it makes
  zone        systems of their own on this kernel: install, boot, log in
  inspect     look at a program without running it
  calls       the table of supported system calls
  doctor      check the host
  binfmt      let the host kernel start such programs itself
  compat      run test suites as guests, and say what passes
  machine     run guest kernels on virtual machine monitors of every kind, and on KVM
  compare     a workload in zones, virtual machines and partitions; a consolidation plan
  partition   simulate partitions of one computer, with moves and faults
  completion  completion for bash, zsh and fish

`guise --version` prints the version.
"""

RUN = """\
guise run [OPTIONS] PROGRAM [ARGUMENTS]     run a program built for another kernel

  guise run ./hello one two              arguments after the program are the program's own
  guise run --as freebsd-13.2 ./hello    the kernel says that it is this release
  guise run --engine ptrace ./hello      every call stops: slow, for tracing
  guise run --env LANG=C --cwd /tmp ./hello
  guise run -v ./hello                   say which calls were made that are not served
  guise run --rw /srv/data --net none ./hello     one more folder that it may change; no network
  guise run --root ./freebsd /bin/sh     a folder with another system's files becomes /

Options stand before PROGRAM:
  --engine native|ptrace   how calls are caught; native is the default and runs at native speed
  --as KERNEL[-RELEASE]    the guest kernel, when the file does not say it, and its release
  --host-programs native   programs of this system that it starts run outside Guise: faster, but what
                           they start in turn is this kernel's; the default is guest
  --env NAME=VALUE         set a variable for the program (again for another one)
  --unset-env NAME         leave a variable out
  --clear-env              start with an empty environment
  --cwd DIRECTORY          start there; PROGRAM is looked up from there too
  --argv0 NAME             what the program sees as its own name
  --no-patch               do not rewrite system call instructions: every call costs a signal
  -v, --verbose            report unserved calls, and programs that could not be executed
  --                       end of options

The program runs in a sandbox: it sees no processes but its own, and of the host's files it can change only
what is below the working directory.  /tmp is empty, but for the folder that the program is in.
  --rw PATH                it may change this as well (again for another one)
  --ro PATH                it must not change this, or: show what is hidden
  --bind SOURCE:TARGET[:ro]   SOURCE appears as TARGET
  --root FOLDER            this folder, read-only, is its /; PROGRAM is looked up there
  --net host|none|private  the host's network, none, or one with nothing but its own loopback
  --zone NAME              in this running zone instead (`guise zone --help`)
  --no-sandbox             none of that: everything that you may do (GUISE_SANDBOX=no: always)

PROGRAM is looked up in PATH unless it holds a slash.  The program ends as it would at home: its
exit status, or death by its signal, is guise's own.  126: found, but cannot be run; 127: not found;
125: Guise itself failed; 2: a mistake in the command line.
"""

TRACE = """\
guise trace [OPTIONS] PROGRAM [ARGUMENTS]     run a program and show the system calls that it makes
guise trace show FILE [OPTIONS]               show a recording

  guise trace ./hello                           one line per call, on standard error
  guise trace -o hello.guise ./hello            record everything: fastest, and any form can be made of it
  guise trace show hello.guise --json | jq .
  guise trace -e %file --failed ./hello         calls that name files and fail
  guise trace -e 'openat where path ~ "\\.conf$" and flags & O_CREAT' ./hello
  guise trace --inject 'openat where path ~ "\\.conf$" error=EACCES when=2+' ./hello
  guise trace -c ./hello                        counts and times per call and process
  guise trace -k -e write ./hello               who called it
  guise trace --flight 1000 ./server            only the last calls, when it crashes
  guise trace --chrome -o t.json ./hello        a timeline for ui.perfetto.dev or chrome://tracing

Threads, children and what they execute are followed, and programs of this system are traced as well.
Options stand before PROGRAM:
  -o, --output FILE        write there (-: standard output); FILE.guise is a recording, FILE.json JSON
  --format FORM            text, json, chrome, stacks, speedscope, summary, profile, recording
  --json                   one JSON object a line: docs/trace-format.md describes them
  --chrome                 a timeline, one track per thread
  --stacks, --speedscope   for flame graphs: flamegraph.pl's form, or speedscope's
  -c, --summary            a table of calls: number, errors, times
  --profile                what the run needed, as one JSON object: time, calls, faults, I/O, memory
  --per-process            a file for each process, FILE.PID; with -c a table for each
  --live                   watch it in the terminal (pip install 'guise[live]')
  -e, --filter EXPRESSION  only what matches (again: all conditions must hold)
        open,close         these calls                 %net         a class of calls
        !open              all but this one            /^fstat/     names that match
        path=/etc          /etc in a path              path~REGEX   a path that matches
        errno=ENOENT, fd=3, result=0, process=77, duration>1ms
        CALLS where CONDITION    arguments by name, joined by and, or, not and brackets
  --failed, --successful   only those
  --inject 'CALLS [where CONDITION] ACTION...'   change calls (again for another order)
        error=NAME, value=N      the call is not made, and fails or returns this
        delay=10ms, delay-after=10ms, signal=NAME
        set=ARGUMENT:VALUE       make it with another argument
        memory=ARGUMENT:"BYTES"  overwrite what an argument points at
        when=3, 2+, 1+2, 2..5    which of them: the third, all from the second on, every second one...
  -s, --string-limit N     bytes of a buffer that are shown: 32; 4096 at most
  -t, -tt, -T              times since the start, times of day, and how long each call took
  -k, --callers            the stack of each call, by the names of its functions
  --stack-limit N          bytes of stack that -k keeps: 8192
  --host-calls             the host calls that each call became, beside it
  --no-names               do not look up what descriptors stand for
  --environment            record environments, not only how many strings they have
  --redact[=REGEX]         no bytes of buffers, no values of environments; with REGEX, what matches is
                           overwritten instead
  --flight N               keep the last N events; write them on a crash, on SIGUSR1 and at the end
  --lossy                  never make the program wait: drop what cannot be kept, and count it
  --engine, --as, --argv0, --no-patch, -v   as for `guise run`, and so are the options of its sandbox

The exit status is the program's own; 1 when the trace cannot be written, 2 for a mistake in the
command line.  Ctrl-C goes to the program.
"""

ZONE = """\
guise zone VERB ...     zones: several systems on one kernel that do not see each other

  guise zone create web brand=freebsd boot='/usr/local/sbin/server -p 80'
  guise zone install web ./freebsd-root          its files, copied from a folder
  guise zone boot web                            and halt, shutdown, reboot
  guise zone exec web /bin/sh -c 'ps; id'        one program in it; login: a shell on a terminal
  guise zone list -cv                            all zones; -p or --json for programs
  guise zone create small inherit=/usr inherit+=/bin inherit+=/lib inherit+=/lib64   read-only from the host

Configuring:
  create NAME [PROPERTY=VALUE...] [-f FILE]   from a file that export wrote
  set NAME PROPERTY=VALUE...       lists also take PROPERTY+=VALUE and PROPERTY-=VALUE
  info NAME [--json], export NAME [-f FILE], delete NAME [-F]
Installing:
  install NAME [SOURCE...] [--kind folder|archive|image|debian]   a folder, tar archives, an OCI image, or
                                   a Debian SUITE[@MIRROR]; without SOURCE what it inherits or overlays
  clone NAME FROM                  with a copy of another zone's files
  move NAME FOLDER, uninstall NAME [-F]
  verify [--repair] [NAME...]      what is wrong; --repair ends what was interrupted, as every verb does
Running:
  boot NAME... | --auto            --auto: all with autoboot=yes;  ready NAME: everything but its programs
  login [-l USER] NAME             a shell;  exec [--user USER] [--cwd FOLDER] NAME PROGRAM [ARGUMENTS]
  shutdown, reboot, halt NAME...   its own way, again, at once;  halt --all
  list [-c|-i] [-v|-p|--json] [NAME...]      running ones; -i: and installed; -c: and configured
  ps [NAME...] [--json]            processes, with the host's number and the zone's
  stat [NAME...] [INTERVAL [COUNT]] [--json]   what they use

Properties: brand, root, lower, inherit, fs, device, readonly, hostname, boot, ends, env, autoboot, net,
bridge, address, port, cpu-shares, cpu-cap, dedicated-cpus, memory, swap, max-lwps, io-weight; docs/zones.md
explains them.
`guise run --zone NAME` and `guise trace --zone NAME` start a program in a running zone.
0: done; 1: it failed; 2: a mistake in the command line; exec, login: the program's own status.
"""

INSPECT = """\
guise inspect PROGRAM [--json]     say what a program is and whether it will run, without running it

  guise inspect ./esbuild
  guise inspect ./esbuild --json | jq .calls.unsupported

It names the kernel and release the program was built for, whether it is static, the interpreter and
libraries that it needs, and the calls found in it that are not supported.  The exit status is 0 when
the program can be started, and 126 or 127 as `guise run` would give when it cannot.
"""

CALLS = """\
guise calls [KERNEL] [--unsupported] [--json|--markdown]     the table of a kernel's system calls

  guise calls                            which kernels there are
  guise calls freebsd                    every call, how it is served, and the reason where it is not
  guise calls freebsd --unsupported      only those that a program cannot use
  guise calls freebsd --markdown > calls.md
"""

DOCTOR = """\
guise doctor [--json]     check what this machine offers to Guise

  guise doctor
  guise doctor --json | jq '.[] | select(.state != "ok")'

For everything that is missing it says what that costs and how to get it.  The exit status is 0 when
programs can be run, and 1 when something that `guise run` cannot do without is missing.
"""

BINFMT = """\
guise binfmt install|remove|status     let the host kernel start programs of other kernels itself

  sudo guise binfmt install     afterwards ./program-for-freebsd just runs, from any shell or program
  guise binfmt status           what is registered, and for which interpreter
  sudo guise binfmt remove

It uses binfmt_misc, and recognises programs by the OS/ABI byte of their ELF header.  The entry lasts
until the next start of the machine; `install` also says how to make it permanent.
"""

COMPAT = """\
guise compat ACTION ...     run suites of programs as guests and say what passed, with denominators

  guise compat list                              the suites that come with Guise
  guise compat run go-std --only 'net/*'         run some cases of one
  guise compat run ./my-suite.toml -j 4          run your own: docs/compat.md says how to write it
  guise compat run go-std --shard 2/5 --store shard-2.sqlite
  guise compat report --html report.html         everything that was run last, as one page
  guise compat diff 3 7                          what differs between two runs

Actions:
  run SUITE...     run a suite's cases and save each result at once; a run that was stopped goes on
  report [RUN...]  the newest run of every suite, personality and engine, or the runs named
  diff A B         tests that two runs (NUMBER, FILE#NUMBER or FILE) disagree about
  list [SUITE]     suites, or the cases of one
  runs             the history
  show RUN CASE    what a case printed; with --trace, the calls that it made

Options of run:
  --engine native|ptrace   how calls are caught
  --as KERNEL[-RELEASE]    the personality; host runs the suite natively, for reference
  -j, --jobs N             cases at a time; the number of CPUs otherwise
  --shard I/N              the I-th of N parts
  --only PATTERN           cases whose names match, as in a shell
  --retries N              repeat a case with unexpected failures N times, to tell flaky from broken
  --fresh                  begin again instead of going on with a stopped run
  --differential           run each case natively as well; only what differs counts
  --trace                  record the calls of what fails; with --differential, say which call differs first
  --cluster ADDRESS        run the cases on a Dask cluster
  --root FOLDER            this folder, another system's files, is the guests' /: `lsb --root ./debian`
Options of run and report:
  --store FILE             where results are kept; $XDG_STATE_HOME/guise/compat.sqlite otherwise
  --baseline FILE          known failures, one `NAME: reason` a line
  --html, --json, --junit FILE   write a report

The exit status is 0 when nothing got worse than the known failures say, and 1 when something did.
"""

MACHINE = """\
guise machine ACTION ...     virtual machine monitors that execute, real ones on KVM, and simulators

  guise machine run                           every guest kernel on every monitor, against the bare run
  guise machine run silent critical --events  what happened, event by event
  guise machine guests pagefault              a guest kernel's source beside its bytes
  guise machine cost --profile nehalem        cycles of one operation on each monitor
  guise machine virtualizable                 can trap-and-emulate work here? Popek and Goldberg's question
  guise machine simulate nested-lru           an LRU under an LRU, and the balloon's cure
  sudo guise machine kvm                      what an exit costs here, measured
  sudo guise machine migrate --pages 3000     move a running guest to another process; the model beside it
  sudo guise machine checkpoint guest.state   run a guest and save it; `resume` runs it on

Actions:
  guests [GUEST]   the guest kernels and the monitors, or one kernel's listing
  run [GUEST...]   run kernels; `same`: every register and byte of memory ends as on the bare machine
  cost             Adams and Agesen's nanobenchmarks, counted here and priced by a cost profile
  simulate [NAME]  nested-lru, balloon, reclaim, sharing, idle-tax, tlb, ticks, idle, spin, network
  virtualizable [x86|s390x]   which instructions are sensitive, privileged, or trap, by experiment
  kvm              measure port, memory-mapped and refused exits on /dev/kvm
  migrate          pre-copy a running guest to another process, and compare its memory there
  checkpoint FILE  start a guest, run it for a while, save it
  resume FILE      run a saved guest on, and save it again

Options:
  --memory 64M, --pages N, --wait N   migrate, checkpoint: the guest's memory, the pages that it writes
                   over and over, and how long it waits after each (turns of a loop)
  --seconds S      how long the guest runs (migrate: on the other side)
  --least, --most, --step RATE, --rounds N   migrate: bounds and step of the rate in Mb/s; rounds at most
  --monitor NAME   only this monitor (again for another one): bare, trap-and-emulate, translation,
                   paravirtual, assist, assist-nested, kvm
  --profile NAME   the cost profile: prescott, penryn, nehalem, westmere, sandy-bridge
  --events         list every event with its count
  --isa s390x      run: the kernels for z/Architecture, bare and under trap-and-emulate
  --set NAME=VALUE, --parameters   simulate: change a parameter (again for another); list them
  --json           for programs

Executing needs `pip install 'guise[machine]'`; kvm needs /dev/kvm and the right to open it.
"""

COMPLETION = """\
guise completion bash|zsh|fish     print a completion script for a shell

  bash:  guise completion bash > ~/.local/share/bash-completion/completions/guise
  zsh:   guise completion zsh > "${fpath[1]}/_guise"
  fish:  guise completion fish > ~/.config/fish/completions/guise.fish
"""

COMPARE = """\
guise compare WORKLOAD... [OPTIONS]         what a workload costs in every style of virtualization
guise compare --plan SERVERS [OPTIONS]      which servers share which host

  guise trace --profile -o build.json make      record a workload
  guise compare build.json                      zones (measured), virtual machines and partitions (modelled)
  guise compare build.json specweb99 --html report.html
  guise compare build.json --events xen         where the overhead comes from, event by event
  guise compare --systems                       every system, with the rules that bind it
  guise compare --plan servers.csv --room cpu=4,memory=64GiB,disk=4,network=2 --target 40%

A WORKLOAD is a profile's file or a classic: dbench, linux-build, osdb-ir, osdb-oltp, specint2000 or
specweb99.  A profile that was recorded on this host is run again, natively and in a zone.
  --system NAME       only this system (again for another one)
  --events NAME       event by event for this system, with the columns of `perf kvm stat`
  --json, --html FILE everything, for programs or as a page of its own
  --seconds N         for the runs of each workload (6); a workload that takes longer is not run
  --run, --no-run     run the command even if the profile is from elsewhere; run nothing
A plan's SERVERS are CSV (server,cpu,memory,disk,network; a line for each sample) or JSON:
  --room WORDS        what one host offers (cpu=2,disk=1,network=1)
  --target SHARE      the utilisation to aim at (50%)      --buffer SHARE   a reserve on top (0)
  --percentile SHARE  of the time in which that holds (95%); what is busy together counts with its peaks
0: done; 1: something cannot be read or computed; 2: a mistake in the command line.
"""

PARTITION = """\
guise partition SCRIPT.toml [--json]     simulate partitions of one computer

  guise partition examples/partitions/boards.toml          a board moves between running domains; one fails
  guise partition examples/partitions/shared-engines.toml  weights, entitlements and a cap on a pSeries
  guise partition examples/partitions/ten-thousand.toml    an hour of 10,000 guests

The script names a system (`guise compare --systems`), its partitions with their loads, and what happens to
them when: boards that move, parts that fail.  Shown are the engines that each partition got, the
management's overhead, interrupt latency, and who survived.  What the system's rules forbid is said in one
sentence.  docs/partitions.md describes scripts.
0: carried out; 1: it cannot be; 2: a mistake in the command line.
"""

TEXTS = {
    "": GENERAL,
    "run": RUN,
    "trace": TRACE,
    "zone": ZONE,
    "inspect": INSPECT,
    "calls": CALLS,
    "doctor": DOCTOR,
    "binfmt": BINFMT,
    "compat": COMPAT,
    "machine": MACHINE,
    "compare": COMPARE,
    "partition": PARTITION,
    "completion": COMPLETION,
}


def show(command: str, *, error: bool = False) -> int:
    """Print the help of a command ("": of all); the exit status (2 when it was not asked for)."""
    text = TEXTS.get(command)
    if text is None:
        print(f"guise: {command} is no command: `guise --help` lists them", file=sys.stderr)
        return 2
    print(text, end="", file=sys.stderr if error else sys.stdout)
    return 2 if error else 0
