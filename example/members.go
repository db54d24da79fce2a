package main

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// signInLife is how long a member stays signed in.
const signInLife = 30 * 24 * time.Hour

// The buckets, with their keys and values. Numbers and Unix seconds are eight
// bytes, big-endian.
var (
	bucketMeta    = []byte("meta")     // "pepper" → what tells the pepper apart
	bucketPeople  = []byte("people")   // keyed hash of the CI → number, joined
	bucketSignIns = []byte("sign-ins") // SHA-256 of the token → keyed hash of the CI, expiry
	bucketEnds    = []byte("ends")     // expiry, SHA-256 of the token → nothing
)

// members is the file of those who signed up: who they are to the shop, by a
// keyed hash, and who is signed in. It holds no personal data in the clear,
// and neither a CI nor a token.
type members struct {
	db  *bolt.DB
	key []byte // of the hash of the CI
	now func() time.Time
}

// A member is a person to the shop.
type member struct {
	Number uint64
	Since  time.Time
}

// openMembers opens or makes the file. A file that was made with another
// pepper is refused: nobody in it would be recognised, and everybody could
// sign up a second time.
func openMembers(path string, pepper []byte, now func() time.Time) (*members, error) {
	// A label of its own: the hash must not be certify's, nor lead to it.
	key, err := hkdf.Key(sha256.New, pepper, nil, "moonlight wine member v1", 32)
	if err != nil {
		return nil, err
	}
	db, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: time.Second})
	if errors.Is(err, bolterrors.ErrTimeout) {
		return nil, fmt.Errorf("the members' file %s is in use: is another shop running on it?", path)
	}
	if err != nil {
		return nil, fmt.Errorf("the members' file %s: %w", path, err)
	}
	m := &members{db, key, now}
	if err := db.Update(m.prepare); err != nil {
		return nil, errors.Join(fmt.Errorf("the members' file %s: %w", path, err), db.Close())
	}
	return m, nil
}

func (m *members) prepare(tx *bolt.Tx) error {
	for _, name := range [][]byte{bucketMeta, bucketPeople, bucketSignIns, bucketEnds} {
		if _, err := tx.CreateBucketIfNotExists(name); err != nil {
			return err
		}
	}
	meta, check := tx.Bucket(bucketMeta), m.hash("the pepper's own")
	switch held := meta.Get([]byte("pepper")); {
	case held == nil:
		return meta.Put([]byte("pepper"), check)
	case !hmac.Equal(held, check):
		return errors.New("it was made with another CERTIFY_PEPPER (in sandbox mode each start has its own): use that pepper, or another file")
	}
	return nil
}

func (m *members) close() { _ = m.db.Close() }

// hash is the key under which a person is found. The CI is the same on every
// site and for life, so it is never kept, nor a hash that others could compute.
func (m *members) hash(ci string) []byte {
	h := hmac.New(sha256.New, m.key)
	h.Write([]byte(ci))
	return h.Sum(nil)
}

// add finds the person's account, or makes it.
func (m *members) add(ci string) (who member, err error) {
	err = m.db.Update(func(tx *bolt.Tx) error {
		who, err = m.upsert(tx.Bucket(bucketPeople), m.hash(ci))
		return err
	})
	return who, err
}

// enter finds the person's account, or makes it, and signs them in. It is one
// transaction: a person who signs up twice at once still has one account. held
// is the browser's token; if it already is this member's, it stays.
func (m *members) enter(ci, held string) (who member, token string, err error) {
	err = m.db.Update(func(tx *bolt.Tx) error {
		person := m.hash(ci)
		var err error
		if who, err = m.upsert(tx.Bucket(bucketPeople), person); err != nil {
			return err
		}
		if at, ok := m.signedIn(tx, held); ok && at.Number == who.Number {
			token = held
			return nil
		}
		token, err = m.signIn(tx, person)
		return err
	})
	return who, token, err
}

func (m *members) upsert(people *bolt.Bucket, person []byte) (member, error) {
	if v := people.Get(person); v != nil {
		return readMember(v), nil
	}
	number, err := people.NextSequence()
	if err != nil {
		return member{}, err
	}
	who := member{number, m.now().Truncate(time.Second)}
	return who, people.Put(person, numbers(who.Number, seconds(who.Since)))
}

func readMember(v []byte) member {
	return member{binary.BigEndian.Uint64(v), time.Unix(int64(binary.BigEndian.Uint64(v[8:])), 0)} // #nosec G115 -- written by seconds
}

func seconds(t time.Time) uint64 {
	return uint64(t.Unix()) // #nosec G115 -- no time in the shop is before 1970
}

func numbers(ns ...uint64) (b []byte) {
	for _, n := range ns {
		b = binary.BigEndian.AppendUint64(b, n)
	}
	return b
}

// signIn makes a token, and forgets those that have expired.
func (m *members) signIn(tx *bolt.Tx, person []byte) (string, error) {
	if err := m.sweep(tx); err != nil {
		return "", err
	}
	token := rand.Text()
	id, end := tokenID(token), seconds(m.now().Add(signInLife))
	if err := tx.Bucket(bucketEnds).Put(slices.Concat(numbers(end), id), nil); err != nil {
		return "", err
	}
	return token, tx.Bucket(bucketSignIns).Put(id, slices.Concat(person, numbers(end)))
}

// tokenID is what is kept of a token: a stolen file signs nobody in.
func tokenID(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

func (m *members) sweep(tx *bolt.Tx) error {
	c, now := tx.Bucket(bucketEnds).Cursor(), seconds(m.now())
	for k, _ := c.First(); k != nil && binary.BigEndian.Uint64(k) <= now; k, _ = c.First() {
		if err := tx.Bucket(bucketSignIns).Delete(k[8:]); err != nil {
			return err
		}
		if err := c.Delete(); err != nil {
			return err
		}
	}
	return nil
}

// signedIn is the member whose token it is.
func (m *members) signedIn(tx *bolt.Tx, token string) (who member, ok bool) {
	v := tx.Bucket(bucketSignIns).Get(tokenID(token))
	if v == nil || binary.BigEndian.Uint64(v[32:]) <= seconds(m.now()) {
		return who, false
	}
	person := tx.Bucket(bucketPeople).Get(v[:32])
	if person == nil {
		return who, false
	}
	return readMember(person), true
}

// find is the member whose token it is.
func (m *members) find(token string) (who member, ok bool, err error) {
	err = m.db.View(func(tx *bolt.Tx) error {
		who, ok = m.signedIn(tx, token)
		return nil
	})
	return who, ok, err
}

// signOut voids the token.
func (m *members) signOut(token string) error {
	return m.db.Update(func(tx *bolt.Tx) error { return m.void(tx, tokenID(token)) })
}

func (m *members) void(tx *bolt.Tx, id []byte) error {
	signIns := tx.Bucket(bucketSignIns)
	v := signIns.Get(id)
	if v == nil {
		return nil
	}
	if err := tx.Bucket(bucketEnds).Delete(slices.Concat(v[32:], id)); err != nil {
		return err
	}
	return signIns.Delete(id)
}

// leave gives the account up: nothing of the person stays, and they are signed
// out everywhere (Personal Information Protection Act, art. 21).
func (m *members) leave(token string) error {
	return m.db.Update(func(tx *bolt.Tx) error {
		if _, ok := m.signedIn(tx, token); !ok {
			return nil
		}
		person := bytes.Clone(tx.Bucket(bucketSignIns).Get(tokenID(token))[:32])
		var theirs [][]byte
		err := tx.Bucket(bucketSignIns).ForEach(func(id, v []byte) error {
			if bytes.HasPrefix(v, person) {
				theirs = append(theirs, bytes.Clone(id))
			}
			return nil
		})
		for _, id := range theirs {
			err = errors.Join(err, m.void(tx, id))
		}
		return errors.Join(err, tx.Bucket(bucketPeople).Delete(person))
	})
}
