// Subprocesses: itself, and the host's own programs.  Prints the same lines on every system.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

func child(words []string) {
	switch words[0] {
	case "exit":
		os.Exit(23)
	case "echo":
		directory, _ := os.Getwd()
		fmt.Print(strings.Join(words[1:], "|"), " ", os.Getenv("COLOUR"), " ", directory)
	case "copy":
		io.Copy(os.Stdout, os.Stdin)
	case "extra":
		data, err := io.ReadAll(os.NewFile(3, "extra"))
		fmt.Printf("%q %v", data, err)
	case "panic":
		panic("on purpose")
	case "sleep":
		time.Sleep(time.Minute)
	}
}

func show(what string, command *exec.Cmd) {
	out, err := command.Output()
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		status := failed.Sys().(syscall.WaitStatus)
		if status.Signaled() {
			fmt.Printf("%s: %q, killed by %v\n", what, out, status.Signal())
			return
		}
		fmt.Printf("%s: %q, status %d, %d bytes on stderr\n", what, out, failed.ExitCode(), min(1, len(failed.Stderr)))
		return
	}
	fmt.Printf("%s: %q, %v\n", what, out, err)
}

func main() {
	if len(os.Args) > 1 {
		child(os.Args[1:])
		return
	}
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	show("status", exec.Command(self, "exit"))
	echo := exec.Command(self, "echo", "one", "", "two words")
	echo.Env = append(os.Environ(), "COLOUR=blue")
	echo.Dir = "/"
	show("arguments, environment, directory", echo)
	show("panic", exec.Command(self, "panic"))

	copied := exec.Command(self, "copy")
	copied.Stdin = bytes.NewReader(bytes.Repeat([]byte("0123456789"), 50000))
	out, err := copied.Output()
	fmt.Println("through a child:", len(out), err)

	r, w, _ := os.Pipe()
	extra := exec.Command(self, "extra")
	extra.ExtraFiles = []*os.File{r}
	w.WriteString("from descriptor three")
	w.Close()
	show("inherited", extra)

	show("the host's shell", exec.Command("/bin/sh", "-c", "echo $0 $1; exit 5", "zero", "first"))
	show("killed", exec.Command("/bin/sh", "-c", "kill -TERM $$"))
	show("the host's pipes", exec.Command("/bin/sh", "-c", "echo nested | tr a-z A-Z"))
	show("not there", exec.Command("/no/such/program"))
	git := exec.Command("git", "hash-object", "--stdin")
	git.Stdin = strings.NewReader("guise\n")
	show("git", git)

	bounded, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	show("out of time", exec.CommandContext(bounded, self, "sleep"))
	cancel()

	var group sync.WaitGroup
	var lock sync.Mutex
	good := 0
	for range 10 {
		group.Add(1)
		go func() {
			defer group.Done()
			for range 4 {
				out, err := exec.Command(self, "echo", "x").Output()
				lock.Lock()
				if err == nil && strings.HasPrefix(string(out), "x ") {
					good++
				}
				lock.Unlock()
			}
		}()
	}
	group.Wait()
	fmt.Println("at once:", good)
}
