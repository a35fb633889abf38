package smsc

// Kept is how many mailboxes, timers and counted messages a server still has.
func (s *Server) Kept() (boxes, timers int, stored int64) {
	for _, a := range s.accounts {
		a.mu.Lock()
		boxes, timers = boxes+len(a.boxes), timers+a.due.Len()
		a.mu.Unlock()
		stored += a.stored.Load()
	}
	return boxes, timers, stored
}
