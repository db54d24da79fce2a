package main

// A good is something on the open shelf: nothing that has an age.
type good struct {
	Art            string // name of its drawing
	KO, EN         string
	NoteKO, NoteEN string
	Price          int // won
}

func goods() []good {
	return []good{
		{"glasses", "달무리 유리잔", "Halo glasses",
			"입으로 불어 만든 얇은 잔. 두 개 한 벌.", "Mouth-blown and thin. A pair.", 48000},
		{"juice", "청포도 주스", "White grape juice",
			"상주에서 그날 짠 과즙. 알코올은 없습니다.", "Pressed the same day in Sangju. No alcohol.", 14000},
		{"cheese", "열두 달 숙성 치즈", "Twelve-month cheese",
			"고소하고 단단합니다. 이백 그램.", "Nutty and firm. Two hundred grams.", 23000},
		{"board", "느티나무 도마", "Zelkova board",
			"기름만 먹여 결을 살렸습니다.", "Finished with oil alone, for the grain.", 56000},
		{"candle", "밀랍 초", "Beeswax candle",
			"여덟 시간 동안 조용히 탑니다.", "Burns quietly for eight hours.", 12000},
		{"crackers", "소금 크래커", "Sea salt crackers",
			"신안 천일염을 얹어 구웠습니다.", "Baked with sea salt from Sinan.", 9000},
	}
}

// A wine is a bottle in the cellar.
type wine struct {
	ID                  string
	Phase               string // of the moon on its label
	Shape, Glass, Label string // of its drawing: a template and two colours
	KO, EN              string
	KindKO, KindEN      string
	NoteKO, NoteEN      string
	Price               int // won
}

func wines() []wine {
	return []wine{
		{"full-moon", "full", "bordeaux", "#571a2c", "#f3ead8", "보름", "Full Moon", "레드 · 영동", "Red · Yeongdong",
			"잘 익은 자두와 삼나무. 천천히 열립니다.", "Ripe plum and cedar. Opens slowly.", 62000},
		{"first-quarter", "first-quarter", "burgundy", "#b9a54f", "#fbf7ea", "상현", "First Quarter", "화이트 · 제천", "White · Jecheon",
			"배와 흰 꽃, 젖은 돌.", "Pear, white flowers and wet stone.", 45000},
		{"crescent", "crescent", "flute", "#d98a8f", "#fff4f1", "초승", "Crescent", "로제 · 김천", "Rosé · Gimcheon",
			"산딸기와 석류. 차게 드세요.", "Wild strawberry and pomegranate. Serve cold.", 39000},
		{"last-quarter", "last-quarter", "burgundy", "#b3622a", "#fdf3e4", "하현", "Last Quarter", "오렌지 · 영천", "Orange · Yeongcheon",
			"말린 살구와 귤껍질, 홍차.", "Dried apricot, tangerine peel and black tea.", 54000},
		{"old-moon", "old-moon", "flute", "#7a5a1e", "#f7ecd0", "그믐", "Old Moon", "디저트 · 무주", "Dessert · Muju",
			"꿀과 호두. 작은 병입니다.", "Honey and walnut. A small bottle.", 58000},
		{"eclipse", "eclipse", "bordeaux", "#35233f", "#e9dccb", "월식", "Eclipse", "레드 블렌드 · 안성", "Red blend · Anseong",
			"검은 체리와 후추. 한 해 삼백 병.", "Black cherry and pepper. Three hundred bottles a year.", 88000},
	}
}

// findWine returns the wine with that id; with none, the first.
func findWine(id string) (wine, bool) {
	all := wines()
	if id == "" {
		return all[0], true
	}
	for _, w := range all {
		if w.ID == id {
			return w, true
		}
	}
	return wine{}, false
}
