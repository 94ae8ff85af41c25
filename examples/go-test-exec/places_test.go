package places

import (
	"net"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"
)

func TestInit(t *testing.T) {
	t.Log("tested on", runtime.GOOS)
	if runtime.GOOS == "freebsd" && Init() != "/sbin/init" {
		t.Fatal(Init())
	}
}

func TestKernelSaysItIsFreeBSD(t *testing.T) {
	if runtime.GOOS != "freebsd" {
		t.Skip("only there")
	}
	name, err := syscall.Sysctl("kern.ostype")
	if err != nil || name != "FreeBSD" {
		t.Fatalf("%q, %v", name, err)
	}
}

func TestFilesHaveTimes(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(name)
	if err != nil || time.Since(info.ModTime()) > time.Minute {
		t.Fatal(info, err)
	}
}

func TestLoopback(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go net.Dial("tcp", listener.Addr().String())
	if _, err := listener.Accept(); err != nil {
		t.Fatal(err)
	}
}
