// Signals: caught, ignored, sent to others, and faults.  Prints the same lines on every system.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"
)

func caught() {
	seen := make(chan os.Signal, 200)
	signal.Notify(seen, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGWINCH, syscall.SIGCHLD)
	for _, sent := range []syscall.Signal{syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGWINCH} {
		syscall.Kill(os.Getpid(), sent)
		fmt.Println("caught", <-seen == sent)
	}
	for range 100 {
		syscall.Kill(os.Getpid(), syscall.SIGUSR1)
		<-seen
	}
	fmt.Println("caught a hundred")
	exec.Command("/bin/true").Run()
	fmt.Println("of a child:", <-seen == syscall.SIGCHLD)
	signal.Reset(syscall.SIGCHLD)
}

func ignored() {
	signal.Ignore(syscall.SIGHUP)
	syscall.Kill(os.Getpid(), syscall.SIGHUP)
	time.Sleep(5 * time.Millisecond)
	fmt.Println("ignored:", signal.Ignored(syscall.SIGHUP))
}

func untilInterrupted() {
	bounded, stop := signal.NotifyContext(context.Background(), syscall.SIGINT)
	defer stop()
	syscall.Kill(os.Getpid(), syscall.SIGINT)
	<-bounded.Done()
	fmt.Println("interrupted:", errors.Is(bounded.Err(), context.Canceled))
}

func others() {
	for _, sent := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL, syscall.SIGUSR1, syscall.SIGABRT} {
		command := exec.Command("sleep", "60")
		if err := command.Start(); err != nil {
			panic(err)
		}
		command.Process.Signal(sent)
		command.Wait()
		fmt.Println("ended by", command.ProcessState.Sys().(syscall.WaitStatus).Signal() == sent)
	}
	command := exec.Command(os.Args[0], "wait")
	out, _ := command.StdoutPipe()
	command.Start()
	out.Read(make([]byte, 1))
	command.Process.Signal(syscall.SIGSTOP)
	var status syscall.WaitStatus
	syscall.Wait4(command.Process.Pid, &status, syscall.WUNTRACED, nil)
	// Not status.Stopped(): for the BSDs it says no when the signal was SIGSTOP.
	fmt.Println("stopped:", status&0xff == 0x7f, syscall.Signal(status>>8) == syscall.SIGSTOP)
	command.Process.Signal(syscall.SIGCONT)
	command.Process.Signal(syscall.SIGTERM)
	command.Wait()
	fmt.Println("went on and ended by itself:", command.ProcessState.ExitCode())
}

func faults() {
	defer func() {
		err := recover().(runtime.Error)
		fmt.Println("recovered:", err)
	}()
	var nothing *[4]int
	nothing[2] = 1
}

func faultAddress() {
	old := debug.SetPanicOnFault(true)
	defer debug.SetPanicOnFault(old)
	page, err := syscall.Mmap(-1, 0, 4096, syscall.PROT_READ, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		panic(err)
	}
	defer func() {
		fault := recover().(interface{ Addr() uintptr })
		fmt.Println("fault at the page:", fault.Addr()&4095)
	}()
	page[123] = 1
}

func divide(by int) {
	defer func() { fmt.Println("recovered:", recover()) }()
	fmt.Println(1 / by)
}

func brokenPipe() {
	r, w, _ := os.Pipe()
	r.Close()
	_, err := w.Write([]byte("x"))
	fmt.Println("broken pipe:", errors.Is(err, syscall.EPIPE))
}

func main() {
	if len(os.Args) > 1 {
		asked := make(chan os.Signal, 1)
		signal.Notify(asked, syscall.SIGTERM)
		fmt.Print("r")
		<-asked
		os.Exit(7)
	}
	caught()
	ignored()
	untilInterrupted()
	others()
	faults()
	faultAddress()
	divide(len(os.Args) - 1)
	brokenPipe()
}
