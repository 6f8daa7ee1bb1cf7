package bustest

// The promises of the contract; each failure names one.
const (
	promiseDriver  = "a driver has a name and a doc, and opens what its configuration says"
	promiseMistake = "a mistake in the configuration is an error of Open that names the key"
	promiseAdapt   = "a source that is Adaptable takes its section again while it runs, and nothing where decode fails"
	promiseStill   = "Open starts nothing"
	promiseOrder   = "the frames of one sender come in the order in which it sent them, each once"
	promiseSame    = "a frame is handed over unchanged"
	promiseBounds  = "a frame out of bounds is dropped and counted"
	promiseLives   = "Run returns only when ctx ends or the input is spent"
	promiseOpen    = "Run never closes the intake"
	promiseEnd     = "Run returns nil, within seconds of ctx's end"
	promiseSpent   = "Run returns nil when its input is spent, without waiting for frames to be done with"
	promiseEnded   = "all that Run started has ended when it returns"
	promiseWait    = "a source that can make its bus wait drops nothing"
	promiseDrop    = "a source that drops counts each drop as queue_full, and goes on"
	promiseHeld    = "frames handed over and not done with hold at most MaxHeld bytes"
	promiseAck     = "a frame is acknowledged once, after Done and never before"
	promiseDone    = "Done does not wait, whenever it is called"
	promiseAgain   = "a frame that was not done with comes again, one that was does not"
	promiseTough   = "nothing that a peer sends, or does not send, stops a source"
	promiseBack    = "a source connects again by itself"
	promiseSecret  = "no secret stands in a log or an error"
	promiseLog     = "what keeps going wrong is counted, not logged each time"
	promiseTotals  = "when Run has returned the log has the total of every reason for drops"
	promiseMetrics = "a source is Metered, and its metrics are well-formed and count"
)
