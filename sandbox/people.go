package sandbox

import "time"

func fixed(y int, m time.Month, d int) func(date) date {
	return func(date) date { return date{y, m, d} }
}

// born answers a birth date that lies so far before today.
func born(years, months int) func(date) date {
	return func(today date) date { return today.add(-years, -months, 0) }
}

// nineteenToday: nobody attains 19 on a Feb 29 (19 years earlier was a common
// year); on that day the person attained it the day before.
func nineteenToday(today date) date {
	if today.month == time.February && today.day == 29 {
		today.day = 28
	}
	return date{today.year - 19, today.month, today.day}
}

// nineteenTomorrow turns Feb 29 into Mar 1, the next day on which anybody can
// attain 19.
func nineteenTomorrow(today date) date {
	return today.add(0, 0, 1).add(-19, 0, 0)
}

func nineteenThisYear(today date) date { return date{today.year - 19, time.December, 31} }

func newYear(today date) date { return date{today.year - 18, time.January, 1} }

// leapDay takes the last Feb 29 of at least 18 calendar years ago, so that the
// 19th birthday is never far.
func leapDay(today date) date {
	year := today.year - 18
	for !leapYear(year) {
		year--
	}
	return date{year, time.February, 29}
}

func peopleByAge() []Person {
	return []Person{
		{
			ID: Adult, Title: "성인", TitleEN: "Adult",
			Reason:   "평범한 성인입니다. 모든 나이 확인을 통과합니다.",
			ReasonEN: "An ordinary adult who passes every age check.",
			name:     "김성년", gender: "female", phone: "01000000001", birth: fixed(1990, time.May, 15),
		},
		{
			ID: NineteenToday, Title: "오늘 만 19세가 된 사람", TitleEN: "Turned 19 today",
			Reason:   "19번째 생일이 한국 시간으로 오늘입니다. 하루라도 늦게 계산하면 거절됩니다.",
			ReasonEN: "Today, in Korea, is the 19th birthday. A day's delay anywhere refuses them.",
			name:     "이오늘", gender: "male", phone: "01000000002", birth: nineteenToday,
		},
		{
			ID: NineteenTomorrow, Title: "내일 만 19세가 되는 사람", TitleEN: "Turns 19 tomorrow",
			Reason:   "오늘은 만 18세입니다. 청소년 보호법으로는 올해 1월 1일부터 이미 청소년이 아닙니다(오늘이 12월 31일이면 내일부터).",
			ReasonEN: "18 today. Under the Youth Protection Act no longer a youth since January 1 of this year (from tomorrow if today is December 31).",
			name:     "박내일", gender: "female", phone: "01000000003", birth: nineteenTomorrow,
		},
		{
			ID: NineteenThisYear, Title: "올해 안에 만 19세가 되는 사람", TitleEN: "Turns 19 later this year",
			Reason:   "생일이 12월 31일입니다. 그날까지 연 나이로는 성인, 만 나이로는 아직 18세입니다.",
			ReasonEN: "Born on December 31: until then an adult by calendar-year age, but 18 in full years.",
			name:     "최연말", gender: "male", phone: "01000000004", birth: nineteenThisYear,
		},
		{
			ID: Minor, Title: "미성년자", TitleEN: "Minor",
			Reason:   "만 16세 청소년입니다. 19세 확인에서 거절되어야 합니다.",
			ReasonEN: "16 years old. Every check for 19 has to refuse them.",
			name:     "정청년", gender: "female", phone: "01000000005", birth: born(16, 5),
		},
		{
			ID: Under14, Title: "만 14세 미만", TitleEN: "Under 14",
			Reason:   "만 13세입니다. 개인정보 처리에 법정대리인의 동의가 필요합니다(개인정보 보호법 22조의2).",
			ReasonEN: "13 years old. Processing their data needs a guardian's consent (PIPA art. 22-2).",
			name:     "한어린", gender: "male", phone: "01000000006", birth: born(13, 5),
		},
	}
}

func peopleByBirth() []Person {
	return []Person{
		{
			ID: LeapDay, Title: "2월 29일생", TitleEN: "Born on February 29",
			Reason:   "평년에는 3월 1일 0시에 나이가 듭니다(민법 160조 3항).",
			ReasonEN: "In a common year the next age is attained on March 1 (Civil Act art. 160(3)).",
			name:     "윤달님", gender: "female", phone: "01000000007", birth: leapDay,
		},
		{
			ID: NewYear, Title: "1월 1일생", TitleEN: "Born on January 1",
			Reason:   "내년 1월 1일까지는 청소년입니다. 생일을 UTC로 읽으면 한 해 먼저 통과합니다.",
			ReasonEN: "A youth until next January 1. Reading the birth date in UTC lets them in a whole year early.",
			name:     "신새해", gender: "male", phone: "01000000008", birth: newYear,
		},
		{
			ID: SummerTime, Title: "서머타임에 태어난 사람", TitleEN: "Born in summer time",
			Reason:   "1987년 여름, UTC+10일 때 태어났습니다. birth를 +9로만 읽으면 하루가 어긋납니다.",
			ReasonEN: "Born in the summer of 1987, at UTC+10. Reading birth at +9 gives the day before.",
			name:     "강여름", gender: "female", phone: "01000000009", birth: fixed(1987, time.July, 15),
		},
		{
			ID: Before1970, Title: "1970년 전에 태어난 사람", TitleEN: "Born before 1970",
			Reason:   "birth가 음수입니다.",
			ReasonEN: "The birth field is a negative number.",
			name:     "오육오", gender: "male", phone: "01000000010", birth: fixed(1965, time.March, 3),
		},
	}
}

func peopleByNationality() []Person {
	return []Person{
		{
			ID: Foreigner, Title: "외국인", TitleEN: "Foreigner", nationality: foreign,
			Reason:   "foreigner_v2가 true인 성인입니다. 내국인은 false입니다.",
			ReasonEN: "An adult whose foreigner_v2 is true; for Koreans it is false.",
			name:     "SANDBOX ALEX", gender: "male", phone: "01000000011", birth: fixed(1992, time.October, 9),
		},
		{
			ID: NationalityUnknown, Title: "국적을 모르는 사람", TitleEN: "Nationality not told", nationality: nationalityUnknown,
			Reason:   "foreigner_v2가 null입니다(부가 옵션 미신청). foreigner의 false는 내국인이라는 뜻이 아닙니다.",
			ReasonEN: "foreigner_v2 is null (option not bought); the false in foreigner does not mean Korean.",
			name:     "문모름", gender: "female", phone: "01000000012", birth: fixed(1988, time.November, 20),
			Providers: []string{Danal, InicisUnified},
		},
	}
}

func peopleByRecord() []Person {
	return []Person{
		{
			ID: NoDI, Title: "DI가 없는 사람", TitleEN: "No DI",
			Reason:   "이니시스 통합인증은 DI(unique_in_site)를 주지 않습니다.",
			ReasonEN: "Inicis unified verification never sends a DI (unique_in_site is null).",
			name:     "배무디", gender: "male", phone: "01000000013", birth: fixed(1985, time.April, 2),
			Providers: []string{InicisUnified},
		},
		{
			ID: NoCI, Title: "CI가 없는 사람", TitleEN: "No CI", noCI: true,
			Reason:   "인증은 성공했지만 CI(unique_key)가 빈 문자열입니다. DI도 없습니다.",
			ReasonEN: "Certified, yet the CI (unique_key) is an empty string. There is no DI either.",
			name:     "조무시", gender: "female", phone: "01000000014", birth: fixed(1983, time.September, 27),
			Providers: []string{InicisUnified},
		},
		{
			ID: NeverFinishes, Title: "끝나지 않는 인증", TitleEN: "Never finishes", unfinished: true,
			Reason:   "창은 성공이라고 하지만 기록은 언제까지나 미완료(certified=false, READY)입니다.",
			ReasonEN: "The window claims success, but the record stays unfinished (certified=false, READY) for ever.",
			name:     "임무한", gender: "male", phone: "01000000015", birth: fixed(1991, time.January, 30),
		},
		{
			ID: FinishesLate, Title: "늦게 끝나는 인증", TitleEN: "Finishes late", late: 2 * time.Second,
			Reason:   "창이 성공이라고 한 뒤에도 2초 동안 기록은 미완료(certified=false, READY)입니다. 바로 거절하지 말고 기다려야 합니다.",
			ReasonEN: "For 2 seconds after the window claims success, the record is unfinished (certified=false, READY). Wait instead of refusing.",
			name:     "한나중", gender: "male", phone: "01000000017", birth: fixed(1986, time.August, 8),
		},
		{
			ID: TestChannel, Title: "테스트 채널로 인증한 사람", TitleEN: "Verified through a test channel", testMID: true,
			Reason:   "pg_tid에 이니시스의 공용 테스트 상점 MIIiasTest가 들어 있고, V2에서는 channel.type이 TEST입니다. 운영에서는 거절해야 합니다.",
			ReasonEN: "The pg_tid names MIIiasTest, the test merchant everybody shares, and channel.type in V2 is TEST. A live shop has to refuse it.",
			name:     "서시험", gender: "female", phone: "01000000016", birth: fixed(1989, time.February, 11),
			Providers: []string{InicisUnified},
		},
	}
}
