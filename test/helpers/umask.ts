/**
 * The tests lay files beside targets, and what others may write to is not gone on with: with the umask of
 * whoever runs them (002 is usual too) some would be refused.
 */
process.umask(0o022);
