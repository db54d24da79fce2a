//go:build !unix

package main

import "time"

var started = time.Now()

// processorTime is the time that passed: this system does not tell the other.
func processorTime() time.Duration { return time.Since(started) }
