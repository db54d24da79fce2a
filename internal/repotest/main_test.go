package repotest_test

import (
	"log"
	"os"
	"testing"
)

// TestMain changes to the root of the repository.
func TestMain(m *testing.M) {
	if err := os.Chdir("../.."); err != nil {
		log.Fatal(err)
	}
	m.Run()
}
