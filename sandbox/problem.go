package sandbox

import (
	"encoding/json"
	"errors"
	"net/http"
)

// inputError is a request the sandbox's own endpoints refuse; the text says
// what to do instead.
type inputError struct {
	code    string // for programs
	message string // for people
}

func (e *inputError) Error() string { return "sandbox: " + e.message }

func (e *inputError) status() int {
	switch e.code {
	case "unknown_person", "unknown_window", "not_found":
		return http.StatusNotFound
	case "not_loopback", "cross_origin":
		return http.StatusForbidden
	}
	return http.StatusBadRequest
}

// writeProblem answers the sandbox's own endpoints, which are not the
// vendor's and therefore have no envelope.
func writeProblem(w http.ResponseWriter, err error) {
	var input *inputError
	if !errors.As(err, &input) {
		writePlainJSON(w, http.StatusInternalServerError, problem{Error: "internal", Message: "the sandbox failed"})
		return
	}
	p := problem{Error: input.code, Message: input.message}
	if input.code == "unknown_person" {
		p.People = personIDs()
	}
	writePlainJSON(w, input.status(), p)
}

type problem struct {
	Error   string   `json:"error"`
	Message string   `json:"message"`
	People  []string `json:"people,omitempty"`
}

func writePlainJSON(w http.ResponseWriter, status int, v any) {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		status, text = http.StatusInternalServerError, []byte(`{"error":"internal"}`)
	}
	writeJSON(w, status, append(text, '\n'))
}
