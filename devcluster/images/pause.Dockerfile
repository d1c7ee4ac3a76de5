# What holds the network of a pod: catatonit is static and has a mode for just that.
FROM scratch
COPY catatonit /pause
ENTRYPOINT ["/pause", "-P"]
