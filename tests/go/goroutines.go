// Goroutines, preemption, timers and synchronisation.  Prints the same lines on every system.
package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

var sink uint64

// A loop without a call: only a signal can take the processor from it.
func spin() {
	var local uint64
	for {
		local++
		if local == math.MaxUint64 {
			sink = local
		}
	}
}

func preemption() {
	old := runtime.GOMAXPROCS(1)
	go spin()
	for i := 0; i < 5; i++ {
		time.Sleep(time.Millisecond)
	}
	runtime.GC() // has to stop the loop too
	fmt.Println("a loop without calls was preempted on one processor")
	runtime.GOMAXPROCS(old)
}

// Preemption saves and brings back the vector registers, or these sums go wrong.
func vectors() {
	var wrong atomic.Int32
	var group sync.WaitGroup
	want := sum(0.5)
	for range 4 {
		group.Add(1)
		go func() {
			defer group.Done()
			for range 200 {
				if sum(0.5) != want {
					wrong.Add(1)
				}
			}
		}()
	}
	group.Wait()
	fmt.Println("wrong floating point sums:", wrong.Load())
}

func sum(x float64) float64 {
	total := 0.0
	for i := 1; i < 20000; i++ {
		total = total*0.999 + math.Sqrt(x*float64(i))
	}
	return total
}

func timers() {
	start := time.Now()
	ticker := time.NewTicker(2 * time.Millisecond)
	for range 10 {
		<-ticker.C
	}
	ticker.Stop()
	if spent := time.Since(start); spent < 18*time.Millisecond {
		fmt.Println("ten ticks of 2 ms took only", spent)
	}
	fired := make(chan struct{})
	time.AfterFunc(time.Millisecond, func() { close(fired) })
	<-fired
	bounded, cancel := context.WithTimeout(context.Background(), 5*time.Millisecond)
	defer cancel()
	<-bounded.Done()
	fmt.Println("timers:", errors.Is(bounded.Err(), context.DeadlineExceeded))
}

func channels() {
	numbers, results := make(chan int), make(chan int)
	for range 50 {
		go func() {
			for n := range numbers {
				results <- n * n
			}
		}()
	}
	go func() {
		for n := range 5000 {
			numbers <- n
		}
		close(numbers)
	}()
	total := 0
	for range 5000 {
		total += <-results
	}
	fmt.Println("sum of squares:", total)
}

// Goroutines that own their thread: every one is a thread of the kernel.
func threads() {
	var group sync.WaitGroup
	var lock sync.Mutex
	count := 0
	for range 30 {
		group.Add(1)
		go func() {
			defer group.Done()
			runtime.LockOSThread() // and no unlock: the thread ends with its goroutine
			time.Sleep(time.Millisecond)
			for range 100 {
				lock.Lock()
				count++
				lock.Unlock()
			}
		}()
	}
	group.Wait()
	fmt.Println("counted by threads:", count)
}

func main() {
	vectors()
	timers()
	channels()
	threads()
	preemption()
}
