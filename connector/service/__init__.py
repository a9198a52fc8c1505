"""`run`: schedules that start listings, workers that advance deliveries, and what watches over both."""
