package trust

import (
	"strings"
	"testing"
)

// TestBase64IsReadAsPythonDoes has the results of Python's b64decode.
func TestBase64IsReadAsPythonDoes(t *testing.T) {
	for text, want := range map[string]string{
		"aGVsbG8=":                "hello",
		"aGVs\nbG8=\n":            "hello",
		"aG\r\nVs  bG8=":          "hello",
		"aGVsbG8=trailing":        "hello",
		"aGVsbA==":                "hell",
		"aGVsbA=\n=":              "hell",
		"=aGVs":                   "hel",
		"aG=Vs":                   "hel",
		"aGVs====":                "hel",
		"-a_G*V.s\u00e9":          "hel",
		"aGVsbG9=":                "hello", // bits that count for nothing
		strings.Repeat(" ", 1000): "",
		"":                        "",
		"aGVsbG8":                 "", // Incorrect padding
		"aGVsbA=":                 "",
		"aGVsb":                   "",
		"aGVsb===":                "", // one digit cannot be padded
		"a=":                      "",
	} {
		got, err := decodeBase64(text, 2000)
		if string(got) != want || (err == nil) != (want != "") {
			t.Errorf("%q is %q, %v, want %q", text, got, err, want)
		}
	}
	if _, err := decodeBase64(strings.Repeat("A", 2001), 2000); err == nil {
		t.Error("more than the bound is read")
	}
}
