package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
)

var testPepper = []byte("a pepper of tests, of 32 bytes and more")

func newTestMembers(t testing.TB, now func() time.Time) *members {
	t.Helper()
	m, err := openMembers(filepath.Join(t.TempDir(), "members.db"), testPepper, now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.close)
	return m
}

func atNoon() time.Time { return noon }

// size counts the entries of a bucket.
func (m *members) size(t testing.TB, bucket []byte) (n int) {
	t.Helper()
	err := m.db.View(func(tx *bolt.Tx) error {
		return tx.Bucket(bucket).ForEach(func(_, _ []byte) error { n++; return nil })
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (m *members) mustEnter(t testing.TB, ci, held string) (member, string) {
	t.Helper()
	who, token, err := m.enter(ci, held)
	if err != nil {
		t.Fatal(err)
	}
	return who, token
}

func TestEnteringAtOnceIsOneMember(t *testing.T) {
	t.Parallel()
	m := newTestMembers(t, atNoon)
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			if who, _, err := m.enter("ci of one person", ""); err != nil || who.Number != 1 {
				t.Errorf("member %d: %v", who.Number, err)
			}
		})
	}
	all.Wait()
	if n := m.size(t, bucketPeople); n != 1 {
		t.Errorf("%d members", n)
	}
}

func TestTheFileHoldsNeitherCINorToken(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "members.db")
	m, err := openMembers(path, testPepper, atNoon)
	if err != nil {
		t.Fatal(err)
	}
	raw := bytes.Repeat([]byte{0xa7, 0x51}, 32)
	ci := base64.StdEncoding.EncodeToString(raw)
	_, token := m.mustEnter(t, ci, "")
	m.close()
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for what, secret := range map[string][]byte{
		"the CI": []byte(ci), "the CI's bytes": raw, "the CI in hex": []byte(hex.EncodeToString(raw)),
		"the token": []byte(token), "the pepper": testPepper, "the key": m.key,
	} {
		if bytes.Contains(file, secret) {
			t.Errorf("the file holds %s", what)
		}
	}
	if !bytes.Contains(file, m.hash(ci)) {
		t.Error("the file does not hold the hash: this test looks in the wrong place")
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file's mode is %v: %v", info.Mode(), err)
	}
}

func TestMembersOutliveTheProcess(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "members.db")
	open := func(pepper string) (*members, error) { return openMembers(path, []byte(pepper), atNoon) }
	m, err := open(string(testPepper))
	if err != nil {
		t.Fatal(err)
	}
	_, token := m.mustEnter(t, "ci", "")
	if _, err := open(string(testPepper)); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("a second shop on one file: %v", err)
	}
	m.close()
	if _, err := open(strings.Repeat("another pepper ", 3)); err == nil || !strings.Contains(err.Error(), "another CERTIFY_PEPPER") {
		t.Errorf("another pepper: %v", err)
	}
	if m, err = open(string(testPepper)); err != nil {
		t.Fatal(err)
	}
	defer m.close()
	if who, ok, err := m.find(token); err != nil || !ok || who.Number != 1 || !who.Since.Equal(noon) {
		t.Errorf("found %v, %v: %v", who, ok, err)
	}
	if who, again := m.mustEnter(t, "ci", token); who.Number != 1 || again != token {
		t.Errorf("member %d, the same token: %v", who.Number, again == token)
	}
}

func TestAMembersFileThatIsNone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "members.db")
	if err := os.WriteFile(path, bytes.Repeat([]byte("not a database "), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openMembers(path, testPepper, atNoon); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("opened: %v", err)
	}
	if _, err := openMembers(filepath.Join(path, "below"), testPepper, atNoon); err == nil {
		t.Error("opened a file below a file")
	}
}

func TestExpiredSignInsAreForgotten(t *testing.T) {
	t.Parallel()
	now := noon
	m := newTestMembers(t, func() time.Time { return now })
	_, old := m.mustEnter(t, "ci", "")
	now = now.Add(signInLife)
	if _, ok, _ := m.find(old); ok {
		t.Error("an expired token counts")
	}
	_, fresh := m.mustEnter(t, "ci", old)
	if fresh == old {
		t.Error("an expired token was kept")
	}
	if a, b := m.size(t, bucketSignIns), m.size(t, bucketEnds); a != 1 || b != 1 {
		t.Errorf("%d sign-ins and %d ends are left", a, b)
	}
}

func TestLeavingLeavesNothing(t *testing.T) {
	t.Parallel()
	m := newTestMembers(t, atNoon)
	_, desk := m.mustEnter(t, "ci", "")
	_, phone := m.mustEnter(t, "ci", "")
	_, other := m.mustEnter(t, "another's ci", "")
	if err := m.leave("no token"); err != nil {
		t.Fatal(err)
	}
	if err := m.leave(desk); err != nil {
		t.Fatal(err)
	}
	for name, token := range map[string]string{"desk": desk, "phone": phone} {
		if _, ok, _ := m.find(token); ok {
			t.Errorf("the %s is still signed in", name)
		}
	}
	if _, ok, _ := m.find(other); !ok {
		t.Error("somebody else was signed out")
	}
	for _, bucket := range [][]byte{bucketPeople, bucketSignIns, bucketEnds} {
		if n := m.size(t, bucket); n != 1 {
			t.Errorf("%s has %d entries, want the other member's alone", bucket, n)
		}
	}
	if who, _ := m.mustEnter(t, "ci", phone); who.Number != 3 {
		t.Errorf("the number %d was given twice", who.Number)
	}
}

func TestATokenOfNobodyCountsForNothing(t *testing.T) {
	t.Parallel()
	m := newTestMembers(t, atNoon)
	_, token := m.mustEnter(t, "ci", "")
	err := m.db.Update(func(tx *bolt.Tx) error { return tx.Bucket(bucketPeople).Delete(m.hash("ci")) })
	if err != nil {
		t.Fatal(err)
	}
	if _, ok, err := m.find(token); ok || err != nil {
		t.Errorf("found: %v, %v", ok, err)
	}
}

func TestSigningOutVoidsOneToken(t *testing.T) {
	t.Parallel()
	m := newTestMembers(t, atNoon)
	_, desk := m.mustEnter(t, "ci", "")
	_, phone := m.mustEnter(t, "ci", "")
	for range 2 { // the second time it is gone already
		if err := m.signOut(desk); err != nil {
			t.Fatal(err)
		}
	}
	if _, ok, _ := m.find(desk); ok {
		t.Error("still signed in")
	}
	if _, ok, _ := m.find(phone); !ok {
		t.Error("another browser was signed out")
	}
	if a, b := m.size(t, bucketSignIns), m.size(t, bucketEnds); a != 1 || b != 1 {
		t.Errorf("%d sign-ins and %d ends are left", a, b)
	}
}
