"""Names of classes and keypoints."""

import rerun as rr

rr.log("a", rr.AnnotationContext([(1, "red", (255, 0, 0)), (2, "green", (0, 255, 0))]), static=True)
rr.log("b", rr.AnnotationContext([rr.AnnotationInfo(0, label="bg"), 7, (3, "x")]))
rr.log(
    "c",
    rr.AnnotationContext(
        rr.ClassDescription(
            info=rr.AnnotationInfo(0, label="Person", color=(255, 0, 0)),
            keypoint_annotations=[rr.AnnotationInfo(id=i, color=(0, i, 0)) for i in range(4)],
            keypoint_connections=[(0, 1), (1, 2), (2, 3)],
        )
    ),
)
rr.log("d", rr.ClassDescription(info=1, keypoint_annotations=[(0, "tip"), (1, "base")], keypoint_connections=[(0, 1)]))
rr.log("e", rr.AnnotationContext([rr.ClassDescription(info=(1, "one")), rr.ClassDescription(info=2)]))
