package certify

// Len is the number of entries, expired ones included.
func (s *MemoryStore) Len() int { return s.entries.len() }

// VerifiedLen is the number of claims that are remembered as verified.
func (s *Sessions) VerifiedLen() (n int) {
	now, places := s.now(), s.keys.Load().places
	for i := range places {
		if v := places[i].claim.Load(); v != nil && now.Before(v.until) {
			n++
		}
	}
	return n
}

// Members are the names in a JSON object as the reader of tokens sees it.
func Members(b []byte) (names []string, err error) {
	o, err := members(b)
	if err != nil {
		return nil, err
	}
	for _, m := range o.members {
		names = append(names, string(m.name))
	}
	return names, nil
}

func (s *shelf) len() (n int) {
	for i := range s.shards {
		n += s.shards[i].entries.ItemCount()
	}
	return n
}

// CookieValues reads cookies as the gate does.
var CookieValues = cookieValues
