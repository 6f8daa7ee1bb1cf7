package rulespec

// Kinds are all kinds of rules, in the order of the page and the manual.
var Kinds = []*Kind{
	kindKind,
	kindApp,
	kindTopic,
	kindPackage,
	kindPackageRegex,
	kindOwner,
	kindUser,
	kindActor,
	kindGroup,
	kindRegex,
	kindField,
	kindSeverity,
	kindEverything,
}
