package certify

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
)

const maxBody = 16 << 10 // bytes of a callback

// readBody reads a small form or JSON object. Form text under a JSON label is
// what the vendor's own jQuery sample sends.
func readBody(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return nil, CodeRequestTooLarge
	}
	if err != nil {
		return nil, CodeRequestMalformed
	}
	if len(body) == 0 {
		return url.Values{}, nil
	}
	text := strings.TrimSpace(string(body))
	switch mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); mediaType {
	case "application/json":
		if strings.HasPrefix(text, "{") {
			return jsonValues(text)
		}
		if strings.HasPrefix(text, "[") || strings.HasPrefix(text, `"`) {
			return nil, CodeRequestMalformed
		}
	case "application/x-www-form-urlencoded":
	default:
		return nil, CodeMediaTypeUnsupported
	}
	values, err := url.ParseQuery(text)
	if err != nil {
		return nil, CodeRequestMalformed
	}
	return values, nil
}

// isForm reports whether the body is that of an HTML form.
func isForm(r *http.Request) bool {
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return mediaType == "application/x-www-form-urlencoded"
}

// jsonValues takes the strings, numbers and booleans of a JSON object.
func jsonValues(text string) (url.Values, error) {
	o, err := members([]byte(text))
	if err != nil {
		return nil, CodeRequestMalformed
	}
	values := url.Values{}
	for _, m := range o.members {
		switch name := string(m.name); m.value[0] {
		case '"':
			values.Set(name, o.text(name))
		case '{', '[', 'n':
		default:
			values.Set(name, string(m.value))
		}
	}
	if o.bad != "" {
		return nil, CodeRequestMalformed
	}
	return values, nil
}
