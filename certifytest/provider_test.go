package certifytest_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/certify-go/certify/certifytest"
)

func TestProviderSuite(t *testing.T) {
	t.Parallel()
	certifytest.ProviderSuite(t, func(t testing.TB) certifytest.ProviderSubject { return openAcme(t, "") })
}

// flaws are those of providers that must not pass, and the parts that must say
// so, by some of their words.
var flaws = map[string]string{
	"has a bad name":                     "it_has_a_name",
	"prints its secret":                  "it_has_a_name",
	"asks in New":                        "beginning_asks_nothing",
	"does not name the attempt":          "beginning_asks_nothing",
	"tells the browser its secret":       "beginning_asks_nothing",
	"shares what it begins with":         "beginning_asks_nothing",
	"names the id like the script":       "beginning_asks_nothing",
	"takes the first id":                 "safe_in_a_path",
	"takes any id":                       "safe_in_a_path",
	"has an error of its own":            "safe_in_a_path",
	"takes others' callbacks":            "for_another_attempt",
	"believes the browser":               "for_another_attempt",
	"drops the DI":                       "is_the_person",
	"makes up the time":                  "is_the_person",
	"says now":                           "is_the_person",
	"names no attempt":                   "is_the_person",
	"hands out one identity to all":      "is_the_person",
	"looks at no state":                  "brings_nobody",
	"takes any channel":                  "what_was_not_completed",
	"refuses failures by the wrong code": "what_was_not_completed",
	"says it was another's":              "what_was_not_completed",
	"does not say whose it was":          "what_was_not_completed",
	"asks for any id":                    "what_is_no_id",
	"takes another's record":             "another_verification's_record",
	"looks at no status":                 "an_answer_that_is_none",
	"reads any label":                    "an_answer_that_is_none",
	"quotes the answer":                  "an_answer_that_is_none",
	"reads without end":                  "an_answer_that_is_none",
	"follows redirects":                  "a_redirect_is_not_followed",
	"quotes the transport":               "a_service_that_is_down",
	"wraps the transport's error":        "a_service_that_is_down",
	"waits for ever":                     "a_service_that_is_down",
	"ignores the context":                "a_caller_who_leaves",
	"forgets who left":                   "a_caller_who_leaves",
	"returns plain errors":               "a_caller_who_leaves",
	"salts the DI":                       "the_claim_tells",
}

const breakProvider = "CERTIFYTEST_BREAK_PROVIDER"

func TestProviderSuiteOfABrokenProvider(t *testing.T) {
	flaw := os.Getenv(breakProvider)
	if flaw == "" {
		t.Skip("run by TestProviderSuiteFails")
	}
	certifytest.ProviderSuite(t, func(t testing.TB) certifytest.ProviderSubject { return openAcme(t, flaw) })
}

// A suite that passes everything would be none.
func TestProviderSuiteFails(t *testing.T) {
	t.Parallel()
	for flaw, part := range flaws {
		t.Run(flaw, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(os.Args[0], "-test.run=^TestProviderSuiteOfABrokenProvider$")
			cmd.Env = append(os.Environ(), breakProvider+"="+flaw)
			out, err := cmd.CombinedOutput()
			if err == nil {
				t.Fatal("the suite passes it")
			}
			for line := range strings.Lines(string(out)) {
				if strings.Contains(line, "--- FAIL") && strings.Contains(line, part) {
					return
				}
				// Without the race detector this flaw may bring the process down.
				if flaw == "shares what it begins with" && strings.Contains(line, "fatal error: concurrent map") {
					return
				}
			}
			t.Errorf("the part %q does not fail:\n%.3000s", part, out)
		})
	}
}
