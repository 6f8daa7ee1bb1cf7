package rulespec

import (
	"encoding/json"
	"errors"
	"fmt"
)

// MarshalRules returns rules as one text for a column of a database: JSON, a list of {kind: {parameter: [values]}},
// with {"not": …} around a rule that is negated. UnmarshalRules gives rules of unknown kinds back as they were.
func MarshalRules(rules []Rule) (string, error) {
	list := make([]map[string]any, len(rules))
	for i, r := range rules {
		args := r.Args
		if args == nil {
			args = Args{}
		}
		list[i] = map[string]any{r.Kind: args}
		if r.Not {
			list[i] = map[string]any{"not": list[i]}
		}
	}
	text, err := json.Marshal(list)
	if err != nil {
		return "", fmt.Errorf("marshal rules: %w", err)
	}
	return string(text), nil
}

// UnmarshalRules reads what MarshalRules wrote. It does not check the rules: the owner of a stored filter that has
// become wrong should see it, so it is not dropped here.
func UnmarshalRules(text string) ([]Rule, error) {
	var list []map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return nil, fmt.Errorf("unmarshal rules: %w", err)
	}
	rules := make([]Rule, len(list))
	for i, one := range list {
		r, err := unmarshalRule(one)
		if err != nil {
			return nil, fmt.Errorf("unmarshal rule %d: %w", i+1, err)
		}
		rules[i] = r
	}
	return rules, nil
}

func unmarshalRule(one map[string]json.RawMessage) (Rule, error) {
	if inner, not := one["not"]; not && len(one) == 1 {
		var bare map[string]json.RawMessage
		if err := json.Unmarshal(inner, &bare); err != nil {
			return Rule{}, err
		}
		if _, twice := bare["not"]; twice {
			return Rule{}, errors.New("not stands twice")
		}
		r, err := unmarshalRule(bare)
		r.Not = true
		return r, err
	}
	if len(one) != 1 {
		return Rule{}, fmt.Errorf("%d keys where the kind should stand alone", len(one))
	}
	var r Rule
	for kind, args := range one {
		r.Kind = kind
		if err := json.Unmarshal(args, &r.Args); err != nil {
			return Rule{}, err
		}
	}
	if len(r.Args) == 0 {
		r.Args = nil
	}
	return r, nil
}
