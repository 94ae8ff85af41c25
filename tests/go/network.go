// TCP, UDP and Unix sockets on the loopback.  Prints the same lines on every system.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func must[T any](value T, err error) T {
	check(err)
	return value
}

func echo(listener net.Listener) {
	for {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			io.Copy(connection, connection)
			connection.Close()
		}()
	}
}

func stream(network, address string) {
	listener := must(net.Listen(network, address))
	go echo(listener)
	var group sync.WaitGroup
	var lock sync.Mutex
	total := 0
	for number := range 8 {
		group.Add(1)
		go func() {
			defer group.Done()
			connection := must(net.Dial(network, listener.Addr().String()))
			sent := bytes.Repeat([]byte{byte(number)}, 200000)
			go func() {
				must(connection.Write(sent))
				check(connection.(interface{ CloseWrite() error }).CloseWrite())
			}()
			received := must(io.ReadAll(connection))
			connection.Close()
			lock.Lock()
			defer lock.Unlock()
			if bytes.Equal(sent, received) {
				total += len(received)
			}
		}()
	}
	group.Wait()
	check(listener.Close())
	fmt.Println(network, "echoed", total)
}

func deadlines() {
	listener := must(net.Listen("tcp", "127.0.0.1:0"))
	address := listener.Addr().String()
	connection := must(net.Dial("tcp", address))
	check(connection.SetReadDeadline(time.Now().Add(10 * time.Millisecond)))
	_, err := connection.Read(make([]byte, 1))
	fmt.Println("deadline:", errors.Is(err, os.ErrDeadlineExceeded))
	check(listener.Close())
	_, err = net.Dial("tcp", address)
	fmt.Println("refused:", errors.Is(err, syscall.ECONNREFUSED))
	second := must(net.Listen("tcp", "127.0.0.1:0"))
	_, err = net.Listen("tcp", second.Addr().String())
	fmt.Println("in use:", errors.Is(err, syscall.EADDRINUSE))
	tcp := connection.(*net.TCPConn)
	fmt.Println("options:", tcp.SetNoDelay(true), tcp.SetKeepAlive(true), tcp.SetKeepAlivePeriod(time.Minute), tcp.SetLinger(1))
}

func datagrams() {
	server := must(net.ListenPacket("udp", "127.0.0.1:0"))
	go func() {
		buffer := make([]byte, 2000)
		for {
			n, from, err := server.ReadFrom(buffer)
			if err != nil {
				return
			}
			server.WriteTo(bytes.ToUpper(buffer[:n]), from)
		}
	}()
	client := must(net.Dial("udp", server.LocalAddr().String()))
	must(client.Write([]byte("datagram")))
	buffer := make([]byte, 2000)
	n := must(client.Read(buffer))
	fmt.Printf("udp %q\n", buffer[:n])
	check(server.Close())
}

func unixDatagrams() {
	address := &net.UnixAddr{Name: "datagrams", Net: "unixgram"}
	server := must(net.ListenUnixgram("unixgram", address))
	client := must(net.DialUnix("unixgram", &net.UnixAddr{Name: "sender", Net: "unixgram"}, address))
	must(client.Write([]byte("hello")))
	buffer := make([]byte, 100)
	n, from, err := server.ReadFromUnix(buffer)
	fmt.Printf("unixgram %q from %v, %v\n", buffer[:n], from, err)
}

// A descriptor travels through a Unix socket.
func descriptors() {
	pair := must(syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0))
	file := must(os.CreateTemp(".", "sent"))
	must(file.WriteString("the file's own text"))
	check(syscall.Sendmsg(pair[0], []byte("x"), syscall.UnixRights(int(file.Fd())), nil, 0))
	data, control := make([]byte, 1), make([]byte, 64)
	_, n, _, _, err := syscall.Recvmsg(pair[1], data, control, 0)
	check(err)
	messages := must(syscall.ParseSocketControlMessage(control[:n]))
	received := must(syscall.ParseUnixRights(&messages[0]))
	other := os.NewFile(uintptr(received[0]), "received")
	must(other.Seek(0, io.SeekStart))
	fmt.Printf("received descriptor reads %q\n", must(io.ReadAll(other)))
}

func main() {
	stream("tcp", "127.0.0.1:0")
	stream("tcp", "[::1]:0")
	stream("unix", "socket")
	deadlines()
	datagrams()
	unixDatagrams()
	descriptors()
}
