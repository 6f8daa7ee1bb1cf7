package rulespec

// RuleKinds lists all rule kinds, in the order of the page and the manual.
var RuleKinds = []*RuleKind{
	kindKind,
	kindApp,
	kindKeyword,
	kindTopic,
	kindPackage,
	kindPackageRegex,
	kindOwner,
	kindUser,
	kindActor,
	kindGroup,
	kindRelation,
	kindObject,
	kindRegex,
	kindField,
	kindSeverity,
	kindSigned,
	kindBot,
	kindEverything,
}
