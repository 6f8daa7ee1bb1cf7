package main

import (
	"iter"
	"math"
	"math/rand/v2"
	"time"
)

// clock gives n times from a day on, ascending: most in the afternoon (UTC), fewer at weekends.
func clock(from time.Time, days, n int, random *rand.Rand) iter.Seq[time.Time] {
	return func(yield func(time.Time) bool) {
		sum := 0.0
		for hour := range days * 24 {
			sum += busy(from.Add(time.Duration(hour) * time.Hour))
		}
		done, so := 0, 0.0
		for hour := range days * 24 {
			begin := from.Add(time.Duration(hour) * time.Hour)
			so += busy(begin)
			k := int(math.Round(so/sum*float64(n))) - done
			for i := range k {
				share := (float64(i) + random.Float64()) / float64(k)
				if !yield(begin.Add(time.Duration(share * float64(time.Hour)))) {
					return
				}
			}
			done += k
		}
	}
}

// busy is how much is going on in an hour.
func busy(hour time.Time) float64 {
	day := 1.0
	if hour.Weekday() == time.Saturday || hour.Weekday() == time.Sunday {
		day = 0.55
	}
	return day * (1 + 0.6*math.Cos(2*math.Pi*float64(hour.Hour()-15)/24))
}
