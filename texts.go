package certify

import "net/http"

// A next step that a page offers after a refusal.
type nextStep uint8

const (
	noNext     nextStep = iota
	verifyNext          // verify once more
	retryNext           // the same request again: it may pass now and costs nothing
	loginNext           // the same once signed in as before, or verify once more
)

// A problemText is what is said of one Code: the title to developers, the
// sentences to visitors.
type problemText struct {
	status int
	next   nextStep
	title  string
	ko, en string
}

// A heading is a page's title.
type heading struct{ ko, en string }

func (h heading) in(korean bool) string {
	if korean {
		return h.ko
	}
	return h.en
}

// headingOf falls back on what all refusals have in common.
func headingOf(code Code) heading {
	if h, ok := headings[code]; ok {
		return h
	}
	switch problemTexts[code].next {
	case verifyNext:
		return heading{"본인인증을 다시 해 주세요", "Please verify again"}
	case retryNext:
		return heading{"잠시 후 다시 확인해 주세요", "Please check again in a moment"}
	}
	return heading{"이용할 수 없습니다", "Not available"}
}

var headings = map[Code]heading{
	CodeVerificationRequired:    {"휴대폰 본인인증", "Verify with your phone"},
	CodeUnderage:                {"나이 제한이 있습니다", "There is an age limit"},
	CodeOverage:                 {"나이 제한이 있습니다", "There is an age limit"},
	CodeAgeUncertain:            {"나이를 다시 확인해 주세요", "Please confirm your age again"},
	CodeGuardianConsentRequired: {"법정대리인의 동의가 필요합니다", "A guardian must consent"},
	CodeForeignerRequired:       {"외국인 전용입니다", "For registered foreigners"},
	CodeKoreanRequired:          {"내국인 전용입니다", "For Korean nationals"},
	CodeNationalityUnknown:      {"확인할 수 없는 정보가 있습니다", "Something is not known"},
	CodeAccountRequired:         {"로그인이 필요합니다", "Please sign in"},
	CodeAttemptMissing:          {"처음 시작한 창으로 돌아가 주세요", "Go back to the window you began in"},
	CodeAttemptOtherAccount:     {"로그인한 계정을 확인해 주세요", "Please check your account"},
	CodeVerificationPending:     {"아직 확인하고 있습니다", "Still being confirmed"},
	CodeVerificationCancelled:   {"본인인증이 완료되지 않았습니다", "The verification was not completed"},
	CodeAccountRefused:          {"이 계정으로 인증할 수 없습니다", "This account cannot be verified"},
	CodeStartRefused:            {"시도가 너무 많습니다", "Too many attempts"},
	CodeNotFound:                {"페이지를 찾을 수 없습니다", "This page does not exist"},
	CodeMethodNotAllowed:        {"처리할 수 없는 요청입니다", "This request cannot be handled"},
	CodeRequestMalformed:        {"처리할 수 없는 요청입니다", "This request cannot be handled"},
	CodeRequestTooLarge:         {"처리할 수 없는 요청입니다", "This request cannot be handled"},
	CodeMediaTypeUnsupported:    {"처리할 수 없는 요청입니다", "This request cannot be handled"},
	CodeCrossOrigin:             {"처리할 수 없는 요청입니다", "This request cannot be handled"},
	CodeReturnPathRefused:       {"처리할 수 없는 요청입니다", "This request cannot be handled"},
}

var customDenial = problemText{http.StatusForbidden, noNext, "A policy of this site refuses the request",
	"이 서비스를 이용할 수 있는 조건에 맞지 않습니다.", "You do not meet the conditions of this service."}

// begunSignedOut is of CodeAttemptOtherAccount where no login helps: to sign
// out again ends the attempt.
var begunSignedOut = problemText{http.StatusForbidden, verifyNext, "The attempt was begun before the visitor signed in",
	"로그인하기 전에 시작한 인증입니다. 지금 계정으로 다시 시작해 주세요.", "This verification was begun before you signed in. Please start again with this account."}

var problemTexts = map[Code]problemText{
	CodeVerificationRequired: {http.StatusUnauthorized, verifyNext, "An identity verification is required",
		"본인인증이 필요합니다.", "This page needs an identity verification."},
	CodeClaimExpired: {http.StatusUnauthorized, verifyNext, "The claim has expired",
		"본인인증 유효 시간이 지났습니다. 다시 인증해 주세요.", "Your verification has expired. Please verify again."},
	CodeClaimMalformed: {http.StatusUnauthorized, verifyNext, "The claim is not valid",
		"인증 정보를 확인할 수 없습니다. 다시 인증해 주세요.", "Your verification could not be read. Please verify again."},
	CodeClaimWrongKey: {http.StatusUnauthorized, verifyNext, "The claim's key or signature is not valid",
		"인증 정보를 확인할 수 없습니다. 다시 인증해 주세요.", "Your verification could not be read. Please verify again."},
	CodeClaimWrongAudience: {http.StatusUnauthorized, verifyNext, "The claim is for another service",
		"다른 서비스의 인증 정보입니다. 이 서비스에서 다시 인증해 주세요.", "That verification is for another service. Please verify here."},
	CodeClaimRevoked: {http.StatusUnauthorized, verifyNext, "The claim was revoked",
		"로그아웃되었거나 취소된 인증입니다. 다시 인증해 주세요.", "You signed out, or that verification was revoked. Please verify again."},
	CodeClaimOtherAccount: {http.StatusUnauthorized, verifyNext, "The claim belongs to another account",
		"현재 로그인한 계정으로 받은 인증이 아닙니다. 로그인한 뒤 다시 인증해 주세요.", "That verification is not for the account you are signed in to. Please sign in, and verify again."},

	CodeUnderage: {http.StatusForbidden, noNext, "The person is too young",
		"나이 제한으로 이용하실 수 없습니다. 다시 인증하셔도 결과는 달라지지 않습니다.", "You are not old enough for this page. Verifying again would not change that."},
	CodeOverage: {http.StatusForbidden, noNext, "The person is too old",
		"나이 제한으로 이용하실 수 없습니다. 다시 인증하셔도 결과는 달라지지 않습니다.", "This page is for younger people. Verifying again would not change that."},
	CodeAgeUncertain: {http.StatusForbidden, noNext, "The claim can no longer tell the age exactly",
		"지난 인증 이후 생일이 지났을 수 있어 나이를 다시 확인해야 합니다.", "You may have had a birthday since your last verification, so your age must be checked again."},
	CodeGuardianConsentRequired: {http.StatusForbidden, noNext, "A child under 14 needs a guardian's consent",
		"만 14세 미만 이용자는 법정대리인의 동의가 필요합니다.", "Children under 14 need the consent of a parent or guardian."},
	CodeForeignerRequired: {http.StatusForbidden, noNext, "The page is for registered foreigners",
		"외국인등록을 하신 분만 이용할 수 있습니다.", "This page is for registered foreigners."},
	CodeKoreanRequired: {http.StatusForbidden, noNext, "The page is for Korean nationals",
		"내국인 전용 서비스입니다.", "This page is for Korean nationals."},
	CodeNationalityUnknown: {http.StatusForbidden, noNext, "The verification did not tell the nationality",
		"본인인증 결과에 내·외국인 정보가 없어 이용할 수 없습니다. 고객센터에 문의해 주세요.", "Your verification did not say whether you are a Korean national, so you cannot use this page. Please contact the site."},
	CodeStale: {http.StatusUnauthorized, noNext, "The verification is too old",
		"안전을 위해 본인인증을 다시 해 주세요.", "For safety, please verify once more."},
	CodeAccountRequired: {http.StatusForbidden, noNext, "The visitor must be signed in as the verified member",
		"회원 계정으로 로그인하신 뒤 본인인증을 해 주세요. 이미 인증하셨다면 그때의 계정으로 로그인해 주세요.", "Please sign in, and then verify. If you have verified before, sign in to that account."},
	CodeExcluded: {http.StatusForbidden, noNext, "A policy excludes the person",
		"이 서비스를 이용할 수 있는 조건에 맞지 않습니다.", "You do not meet the conditions of this service."},
	CodePolicyFailed: {http.StatusInternalServerError, retryNext, "A policy of this site failed",
		"일시적인 오류로 이용 조건을 확인하지 못했습니다. 잠시 후 다시 시도해 주세요.", "Something went wrong while your access was being checked. Please try again in a moment."},

	CodeAttemptMissing: {http.StatusForbidden, verifyNext, "This browser began no such verification",
		"이 브라우저에서 시작한 인증이 아닙니다. 처음 시작한 창으로 돌아가거나 여기에서 다시 시작해 주세요.", "This verification was not begun in this browser. Go back to the window you began in, or start again here."},
	CodeAttemptExpired: {http.StatusForbidden, verifyNext, "The attempt was begun too long ago",
		"인증을 시작한 지 너무 오래되었습니다. 다시 시작해 주세요.", "This verification was begun too long ago. Please start again."},
	CodeAttemptOtherAccount: {http.StatusForbidden, loginNext, "The attempt was begun under another account",
		"지금 로그인한 계정으로 시작한 인증이 아닙니다. 시작할 때의 계정으로 로그인한 뒤 다시 확인하시거나, 처음부터 다시 인증해 주세요.", "This verification was not begun with the account you are signed in to now. Sign in as you were when you began and check again, or start anew."},
	CodeAttemptUsed: {http.StatusConflict, verifyNext, "The attempt was used for another verification",
		"이미 완료된 인증입니다. 다시 시작해 주세요.", "This verification has already been used. Please start again."},
	CodeVerificationIDMissing: {http.StatusBadRequest, verifyNext, "The verification id is missing",
		"인증 결과를 받지 못했습니다. 다시 시작해 주세요.", "The result of the verification did not arrive. Please start again."},
	CodeVerificationIDMalformed: {http.StatusBadRequest, verifyNext, "The verification id is malformed",
		"인증 결과를 읽을 수 없습니다. 다시 시작해 주세요.", "The result of the verification cannot be read. Please start again."},
	CodeVerificationCancelled: {http.StatusConflict, verifyNext, "The verification was cancelled or failed",
		"본인인증이 완료되지 않았습니다. 다시 시도해 주세요.", "The verification was not completed. Please try again."},
	CodeVerificationOutOfTime: {http.StatusForbidden, verifyNext, "The verification does not fall into the attempt's time",
		"인증 가능한 시간이 지났습니다. 다시 시작해 주세요.", "The time for this verification has passed. Please start again."},
	CodeVerificationRefused: {http.StatusForbidden, verifyNext, "The verification does not belong to this attempt",
		"인증 결과를 확인할 수 없습니다. 다시 시작해 주세요.", "This verification cannot be confirmed. Please start again."},
	CodeVerificationPending: {http.StatusConflict, retryNext, "The verification is not completed yet",
		"아직 인증 결과를 확인하고 있습니다. 잠시 후 다시 확인해 주세요. 본인인증을 다시 하실 필요는 없습니다.", "Your verification is still being confirmed. Check again in a moment. You need not verify again."},
	CodeChannelRefused: {http.StatusForbidden, verifyNext, "The verification came through a channel that is not allowed",
		"사용할 수 없는 인증 수단입니다. 다시 시작해 주세요.", "That way of verifying is not accepted here. Please start again."},
	CodeProviderUnavailable: {http.StatusServiceUnavailable, retryNext, "The verification provider is not available",
		"인증 기관이 응답하지 않습니다. 완료하신 인증은 그대로 유지되니 잠시 후 다시 확인해 주세요.", "The verification provider does not answer. Nothing is lost: check again in a moment."},
	CodeProviderInvalid: {http.StatusBadGateway, retryNext, "The verification provider's answer is not valid",
		"인증 기관의 응답을 읽을 수 없습니다. 잠시 후 다시 확인해 주세요.", "The verification provider's answer cannot be read. Check again in a moment."},
	CodeProviderMisconfigured: {http.StatusServiceUnavailable, retryNext, "The verification provider refuses this site",
		"사이트 설정 문제로 인증을 확인할 수 없습니다. 잠시 후 다시 확인해 주세요.", "This site is not set up correctly and cannot confirm verifications. Check again in a moment."},
	CodeAccountRefused: {http.StatusConflict, noNext, "The site does not accept this person for the account",
		"이미 가입한 계정이 있거나 이 계정으로 인증할 수 없습니다.", "You already have an account, or this account cannot be verified as you."},
	CodeStartRefused: {http.StatusTooManyRequests, noNext, "Too many verifications were begun",
		"인증 시도 횟수를 초과했습니다. 잠시 후 다시 시도해 주세요.", "Too many verifications were begun. Please try again later."},

	CodeRequestMalformed: {http.StatusBadRequest, noNext, "The request is malformed",
		"요청 형식이 올바르지 않습니다.", "The request cannot be read."},
	CodeRequestTooLarge: {http.StatusRequestEntityTooLarge, noNext, "The request is too large",
		"요청이 너무 큽니다.", "The request is too large."},
	CodeMediaTypeUnsupported: {http.StatusUnsupportedMediaType, noNext, "The body is neither JSON nor a form",
		"지원하지 않는 요청 형식입니다.", "The request's format is not supported."},
	CodeMethodNotAllowed: {http.StatusMethodNotAllowed, noNext, "The method is not allowed here",
		"허용되지 않는 요청입니다.", "This kind of request is not allowed here."},
	CodeNotFound: {http.StatusNotFound, noNext, "There is nothing here",
		"페이지를 찾을 수 없습니다.", "This page does not exist."},
	CodeCrossOrigin: {http.StatusForbidden, noNext, "The request comes from another site",
		"다른 사이트에서 보낸 요청은 처리하지 않습니다.", "Requests from other sites are not accepted."},
	CodeBrowserRefused: {http.StatusForbidden, noNext, "This address is for apps, not for browsers",
		"앱에서만 사용하는 주소입니다.", "This address is for apps, not for browsers."},
	CodePrefetchRefused: {http.StatusServiceUnavailable, retryNext, "This answer is not for loading ahead",
		"페이지를 미리 불러올 수 없습니다. 다시 열어 주세요.", "This page cannot be loaded ahead. Please open it again."},
	CodeReturnPathRefused: {http.StatusBadRequest, noNext, "return_to is not a path on this site",
		"돌아갈 주소가 올바르지 않습니다.", "The page to return to is not on this site."},
	CodeStoreUnavailable: {http.StatusServiceUnavailable, retryNext, "The store is not available",
		"연결이 원활하지 않습니다. 잠시 후 다시 시도해 주세요.", "Something is not available right now. Please try again in a moment."},
	CodeAccountUnavailable: {http.StatusServiceUnavailable, retryNext, "The account of the request cannot be told",
		"로그인 상태를 확인하지 못했습니다. 잠시 후 다시 시도해 주세요.", "It could not be checked who is signed in. Please try again in a moment."},
	CodeInternal: {http.StatusInternalServerError, retryNext, "An error of this server",
		"일시적인 오류가 발생했습니다. 잠시 후 다시 시도해 주세요.", "Something went wrong on this server. Please try again in a moment."},
}
