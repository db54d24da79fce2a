package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"unicode/utf16"
	"unicode/utf8"
)

// envelope wraps every V1 answer. HTTP status and code are independent; both
// have to say success.
type envelope struct {
	Code     int     `json:"code"`
	Message  *string `json:"message"`
	Response any     `json:"response"`
}

func answer(w http.ResponseWriter, response any) {
	writeEnvelope(w, http.StatusOK, envelope{Response: response})
}

func refuse(w http.ResponseWriter, status int, message string) {
	writeEnvelope(w, status, envelope{Code: -1, Message: &message})
}

func writeEnvelope(w http.ResponseWriter, status int, e envelope) {
	text, err := phpJSON(e)
	if err != nil {
		status, text = http.StatusInternalServerError, []byte(`{"code":-1,"message":"internal error","response":null}`)
	}
	writeJSON(w, status, text)
}

func writeJSON(w http.ResponseWriter, status int, text []byte) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(text)
}

// phpJSON writes JSON the way the vendor's server does: "/" as "\/" and
// everything beyond ASCII as \uXXXX. Clients have been seen to trip over both.
func phpJSON(v any) ([]byte, error) {
	var plain bytes.Buffer
	enc := json.NewEncoder(&plain)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return phpEscape(bytes.TrimSuffix(plain.Bytes(), []byte("\n"))), nil
}

// phpEscape may replace runes wherever they stand: outside of strings JSON has
// neither a slash nor anything beyond ASCII.
func phpEscape(text []byte) []byte {
	out := make([]byte, 0, len(text)+len(text)/2)
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		text = text[size:]
		switch {
		case r == '/':
			out = append(out, '\\', '/')
		case r < utf8.RuneSelf:
			out = append(out, byte(r))
		default:
			for _, unit := range utf16.AppendRune(nil, r) {
				out = fmt.Appendf(out, `\u%04x`, unit)
			}
		}
	}
	return out
}
