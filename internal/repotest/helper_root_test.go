package repotest_test

import (
	"os"
	"sync"
	"testing"
)

// atRoot changes to the root of the repository, where every test of this
// package runs. A test calls it itself: what happens in TestMain before the
// tests run, the test cache does not see, and it would keep old results.
func atRoot(t *testing.T) {
	t.Helper()
	if err := changeToRoot(); err != nil {
		t.Fatal(err)
	}
}

var changeToRoot = sync.OnceValue(func() error { return os.Chdir("../..") })
