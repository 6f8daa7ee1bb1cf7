package fmn

import "github.com/notifyd/notifyd/rulespec"

// withBodies are the rules without arguments that look at more than the end of the topic.
var withBodies = map[string]translation{
	"all_ansible":  always(one("topic", "pattern", "*.ansible.*")),
	"all_infragit": always(one("topic", "pattern", "*.infragit.*")),

	"koji_build_started":            kinds("koji_build_started"),
	"koji_build_completed":          kinds("koji_build_completed"),
	"koji_build_deleted":            kinds("koji_build_deleted"),
	"koji_build_failed":             kinds("koji_build_failed"),
	"koji_build_cancelled":          kinds("koji_build_cancelled"),
	"koji_scratch_build_started":    kinds("koji_scratch_build_started"),
	"koji_scratch_build_completed":  kinds("koji_scratch_build_completed"),
	"koji_scratch_build_failed":     kinds("koji_scratch_build_failed"),
	"koji_scratch_build_cancelled":  kinds("koji_scratch_build_cancelled"),
	"copr_build_success":            kinds("copr_build_success"),
	"copr_build_failed":             kinds("copr_build_failed"),
	"copr_build_skipped":            kinds("copr_build_skipped"),
	"fedimg_image_test_started":     kinds("fedimg_image_test_started"),
	"fedimg_image_test_completed":   kinds("fedimg_image_test_completed"),
	"fedimg_image_test_failed":      kinds("fedimg_image_test_failed"),
	"fedimg_image_upload_started":   kinds("fedimg_image_upload_started"),
	"fedimg_image_upload_completed": kinds("fedimg_image_upload_completed"),
	"fedimg_image_upload_failed":    kinds("fedimg_image_upload_failed"),
	"taskotron_changed_outcome":     kinds("taskotron_changed_outcome"),

	"bodhi_critpath":   always(fieldOf("update.critpath", []string{"true"})),
	"ci_step_complete": always(fieldOf("status", []string{"success"}, ofApp("ci"))),
	"ci_test_passed": always(fieldOf("status", []string{"success"},
		"*ci.pipeline.package.test.functional.complete",
		"*ci.pipeline.compose.test.integration.complete",
		"*ci.pipeline.image.test.smoke.complete")),
	"taskotron_release_critical_task": always(exactly(fieldOf("task.name", []string{"dist.abicheck", "dist.rpmdeplint"},
		"*.taskotron.result.new"))),
	"anitya_unmapped_new_update": unmapped,
}

// unmapped is about new releases of projects that no package of Fedora follows. A message that has no list of packages
// was an error to FMN, so the list must be there.
func unmapped(s *translator, _ arguments) ([]rulespec.Rule, string) {
	mapped := fieldOf("message.packages.distro", []string{"Fedora"})
	mapped.Not = true
	return []rulespec.Rule{
		s.suffix("anitya_new_update", suffixes["anitya_new_update"]),
		one("field", "path", "message.packages"),
		mapped,
	}, ""
}
