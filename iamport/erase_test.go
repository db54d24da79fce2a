package iamport_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/certify-go/certify"
)

func TestErase(t *testing.T) {
	t.Parallel()
	v := newVendor(t, "danal")
	if err := newProvider(t, testConfig(v)).Erase(t.Context(), danalID); err != nil {
		t.Fatal(err)
	}
	got := v.sent()
	if len(got) != 2 || got[1].method != "DELETE" || got[1].uri != "/certifications/"+danalID || got[1].header.Get("Authorization") != "Bearer tok-1" {
		t.Errorf("the vendor got %d requests, the last %s %s", len(got), got[len(got)-1].method, got[len(got)-1].uri)
	}
}

// An unfinished record, or one of a channel that does not count, can be erased.
func TestEraseUnfinished(t *testing.T) {
	t.Parallel()
	if err := newProvider(t, testConfig(newVendor(t, "incomplete"))).Erase(t.Context(), "imp_100000000009"); err != nil {
		t.Error(err)
	}
}

func TestEraseRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		answer func(*http.Request) (*http.Response, error)
		want   certify.Code
	}{
		{"gone, or another merchant's", jsonAnswer(404, fixture(t, "not_found")), certify.CodeVerificationRefused},
		{"404 of a proxy is no erasure", answer(404, "text/html", "no route"), certify.CodeProviderInvalid},
		{"another record was erased", jsonAnswer(200, fixture(t, "danal_phone")), certify.CodeProviderInvalid},
		{"no record in the answer", jsonAnswer(200, `{"code":0,"message":null,"response":null}`), certify.CodeProviderInvalid},
		{"code 1", jsonAnswer(200, `{"code":1,"message":"x","response":null}`), certify.CodeProviderInvalid},
		{"server error", jsonAnswer(500, ""), certify.CodeProviderUnavailable},
		{"connection broken", broken, certify.CodeProviderUnavailable},
		{"token refused", jsonAnswer(401, ""), certify.CodeProviderUnavailable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v := newVendor(t, "danal")
			v.other = tt.answer
			wantCode(t, newProvider(t, testConfig(v)).Erase(t.Context(), danalID), tt.want)
			if n := v.count("DELETE"); n != 1 {
				t.Errorf("%d DELETEs, want 1", n)
			}
		})
	}
}

func TestEraseWithAFreshToken(t *testing.T) {
	t.Parallel()
	v := newVendor(t, "danal")
	v.token = inTurn(tokenFor("tok-1", time.Hour), tokenFor("tok-2", time.Hour))
	v.other = onlyToken("tok-2", v.other)
	if err := newProvider(t, testConfig(v)).Erase(t.Context(), danalID); err != nil {
		t.Error(err)
	}
}

func TestEraseObeysContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := newVendor(t, "danal")
		v.other = hang
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := newProvider(t, testConfig(v)).Erase(ctx, danalID)
		wantCode(t, err, certify.CodeProviderUnavailable)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error = %v, want one that wraps context.DeadlineExceeded", err)
		}
	})
}
