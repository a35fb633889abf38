package load

// Merge makes one result of the segments of one run. It says why they are not of one run,
// if so. Segments may be missing: Segment of what comes out says which are in it, as in
// 1+2/4, and is empty when all are.
//
// Counts and histograms add up exactly. Percentiles of an interval are those of the
// slowest segment, since an interval keeps no histogram.
func Merge(results ...*Result) (*Result, error) { return merge(results) }
