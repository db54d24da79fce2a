package certify

import (
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"unicode/utf8"
)

// hookAnswer reads what a hook of the app returned as an error. A [*Denial] is
// the answer, with the code if it has none, and so is one of certify's Codes.
// Any other error is a fault of the app's, which the visitor does not see.
func hookAnswer(err error, hook string, code Code) error {
	var own ownFault
	var denial *Denial
	var provider *ProviderError
	switch {
	case errors.As(err, &own): // the hook panicked
		return own
	case errors.As(err, &denial):
		return ownDenial(denial, hook, code)
	case errors.As(err, &provider) && provider != nil:
		return provider
	}
	if c, ok := knownCode(err); ok {
		return c
	}
	return ownFault(hook + " returned " + faultText(err))
}

// ownDenial copies the app's Denial, which hooks of later visitors may share.
func ownDenial(d *Denial, hook string, code Code) error {
	if d == nil {
		return ownFault(hook + " returned a nil *Denial, which is no nil error: return nil to allow")
	}
	out := *d
	out.Reasons = slices.DeleteFunc(slices.Clone(d.Reasons), func(r *Denial) bool { return r == nil })
	if out.Code == "" {
		out.Code = code
	}
	return &out
}

// knownCode finds one of certify's Codes in err. Another one is the app's own,
// and needs a Denial with a sentence for the visitor.
func knownCode(err error) (Code, bool) {
	c, _ := codeOf(err)
	return c, problemTexts[c].status != 0
}

// recoverHook makes the panic of a hook an error for the operator. It is to be
// deferred. [http.ErrAbortHandler] goes on to the server, as it is no fault.
func recoverHook(hook string, err *error) {
	switch v := recover(); v {
	case nil:
	case http.ErrAbortHandler:
		panic(v)
	default:
		*err = ownFault(hook + " " + panicText(v) +
			". If it uses the app's sessions, put Sessions.Load and the Handler inside the middleware that loads them: see docs/routers.md")
	}
}

// panicText says where something panicked, and with which type. The value
// itself may name the person.
func panicText(v any) string {
	var where []string
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	for begun, more := false, true; more && len(where) < 3; {
		var f runtime.Frame
		f, more = frames.Next()
		switch {
		case f.Function == "runtime.gopanic":
			begun = true
		case begun && !strings.HasPrefix(f.Function, "runtime."):
			where = append(where, fmt.Sprintf("%s (%s:%d)", f.Function, filepath.Base(f.File), f.Line))
		}
	}
	return bounded(fmt.Sprintf("panicked with a value of type %T in %s", v, strings.Join(where, ", called by ")))
}

// maxLogged bounds what the log repeats of names that the app chose.
const maxLogged = 500

// bounded cuts s to what the log has room for.
func bounded(s string) string {
	if len(s) <= maxLogged {
		return s
	}
	n := maxLogged
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}
