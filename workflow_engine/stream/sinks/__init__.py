"""Where results go: a video, JSON lines, a table, a folder of pictures, a URL; each on a thread of its own."""
